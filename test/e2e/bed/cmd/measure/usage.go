package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A usage is what a process took of the machine so far.
type usage struct {
	cpu    time.Duration
	memory float64 // resident, in MB
}

// ticks are the clock ticks of a second in /proc, which Linux fixes at 100 for
// programs whatever its own are.
const ticks = 100

// usageOf adds up what the processes of each group took.
func usageOf(groups map[string]int) (map[string]usage, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, fmt.Errorf("cannot list processes: %w", err)
	}

	out := map[string]usage{}

	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue // It has ended meanwhile.
		}

		group, u, err := parseStat(string(b))
		if err != nil {
			return nil, fmt.Errorf("cannot read %s: %w", f, err)
		}

		for name, g := range groups {
			if g == group {
				out[name] = usage{cpu: out[name].cpu + u.cpu, memory: out[name].memory + u.memory}
			}
		}
	}

	return out, nil
}

// parseStat reads a line of /proc/<pid>/stat: see proc(5). The name, in
// parentheses, may hold anything.
func parseStat(line string) (group int, u usage, err error) {
	_, rest, ok := strings.Cut(line[strings.LastIndex(line, ")")+1:], " ")
	f := strings.Fields(rest)

	const (
		fieldGroup, fieldUser, fieldSystem, fieldPages = 2, 11, 12, 21
	)

	if !ok || len(f) <= fieldPages {
		return 0, usage{}, fmt.Errorf("too few fields in %q", line)
	}

	n := map[int]int{}

	for _, i := range []int{fieldGroup, fieldUser, fieldSystem, fieldPages} {
		if n[i], err = strconv.Atoi(f[i]); err != nil {
			return 0, usage{}, fmt.Errorf("field %d: %w", i, err)
		}
	}

	return n[fieldGroup], usage{
		cpu:    time.Duration(n[fieldUser]+n[fieldSystem]) * time.Second / ticks,
		memory: float64(n[fieldPages]) * float64(os.Getpagesize()) / 1e6,
	}, nil
}
