package leash

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// Alive says whether a process group still has a running process. Zombies
// count as gone: in a container nobody may be there to reap the orphans.
func Alive(group int) (bool, error) {
	if err := syscall.Kill(-group, 0); errors.Is(err, syscall.ESRCH) {
		return false, nil
	}

	out, err := procTable()
	if errors.Is(err, fs.ErrNotExist) {
		// Not Linux.
		out, err = exec.Command("ps", "-A", "-o", "pgid=,stat=").Output() //nolint:noctx // It takes milliseconds.
	}

	if err != nil {
		return false, fmt.Errorf("cannot list processes: %w", err)
	}

	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) == 2 && f[0] == strconv.Itoa(group) && !strings.HasPrefix(f[1], "Z") {
			return true, nil
		}
	}

	return false, nil
}

// threads is where /proc/PID/stat, behind the name, counts them.
const threads = 17

// procTable prints procfs as ps -o pgid=,stat= would.
func procTable() ([]byte, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}

	var out bytes.Buffer

	for _, e := range entries {
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue // No process, or one that has just ended.
		}

		// pid (name) state ppid pgrp …; the name may hold spaces and brackets.
		_, rest, _ := strings.Cut(string(stat[bytes.LastIndexByte(stat, ')'):]), ") ")

		f := strings.Fields(rest)
		if len(f) <= threads {
			continue
		}

		state := f[0]
		if state == "Z" && f[threads] > "1" {
			// The main thread is gone, but others still hold the ports.
			state = "dying"
		}

		fmt.Fprintln(&out, f[2], state)
	}

	return out.Bytes(), nil
}
