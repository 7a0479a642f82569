package leash

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// parentEnv makes the test binary play the parent that gets killed.
const parentEnv = "LEASH_TEST_PARENT"

func TestMain(m *testing.M) {
	if os.Getenv(parentEnv) != "" {
		parent()
	}

	if address := os.Getenv(serverEnv); address != "" {
		serve(address)
	}

	os.Exit(m.Run())
}

// serverEnv makes the test binary a program that is slow to die: it has memory
// to give back.
const serverEnv = "LEASH_TEST_SERVER"

func serve(address string) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}

	memory := make([]byte, 512<<20)
	for i := 0; i < len(memory); i += 4096 {
		memory[i] = 1
	}

	fmt.Println("listening")

	for {
		_, _ = l.Accept()
		runtime.KeepAlive(memory)
	}
}

// parent starts a child that ignores TERM and has a child of its own, prints
// the process group and waits for its end.
func parent() {
	p, err := Start(Command{Name: "sleeper", Path: "/bin/sh", Args: []string{"-c", `trap "" TERM; sleep 600 & wait`}})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}

	fmt.Println(p.Group())
	time.Sleep(10 * time.Minute)
}

func TestParentKilled(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), parentEnv+"=1")

	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}

	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}

	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}

	group, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}

	if alive, err := Alive(group); err != nil || !alive {
		t.Fatalf("Alive(%d): before the kill got %v, %v", group, alive, err)
	}

	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}

	_ = cmd.Wait()

	wait(t, group)
}

// wait fails the test when a process group is still there after a while.
func wait(t *testing.T, group int) {
	t.Helper()

	for range 100 {
		alive, err := Alive(group)
		if err != nil {
			t.Fatal(err)
		}

		if !alive {
			return
		}

		time.Sleep(50 * time.Millisecond)
	}

	t.Fatalf("process group %d is still alive", group)
}

func TestStop(t *testing.T) {
	cases := map[string]struct {
		reason string
		script string
		want   int // exit code; -1 for a signal
	}{
		"Obedient": {
			reason: "A program that ends on TERM gives its own exit code.",
			script: `trap "exit 7" TERM; echo ready; while :; do sleep 0.05; done`,
			want:   7,
		},
		"Stubborn": {
			reason: "A program that ignores TERM is killed after the grace period.",
			script: `trap "" TERM; echo ready; while :; do sleep 0.05; done`,
			want:   -1,
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}

			p, err := Start(Command{Name: name, Path: "/bin/sh", Args: []string{"-c", tc.script}, Output: w})
			if err != nil {
				t.Fatal(err)
			}

			if _, err := bufio.NewReader(r).ReadString('\n'); err != nil {
				t.Fatal(err)
			}

			if err := p.Stop(500 * time.Millisecond); err != nil {
				t.Fatal(err)
			}

			got := 0
			if exit := (*exec.ExitError)(nil); errors.As(p.Err(), &exit) {
				got = exit.ExitCode()
			}

			if got != tc.want {
				t.Errorf("%s\nStop(): want exit code %d, got %d", tc.reason, tc.want, got)
			}

			wait(t, p.Group())
		})
	}
}

// TestKillFreesPorts kills a program that listens and starts it again, which
// fails while the port is still held.
func TestKillFreesPorts(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	address := l.Addr().String()
	_ = l.Close()

	for range 20 {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}

		p, err := Start(Command{Name: "server", Path: os.Args[0], Env: []string{serverEnv + "=" + address}, Output: w})
		if err != nil {
			t.Fatal(err)
		}

		if line, err := bufio.NewReader(r).ReadString('\n'); err != nil || line != "listening\n" {
			t.Fatalf("the server says %q, %v", line, err)
		}

		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEndsByItself(t *testing.T) {
	p, err := Start(Command{Name: "short", Path: "/bin/sh", Args: []string{"-c", "exit 3"}})
	if err != nil {
		t.Fatal(err)
	}

	select {
	case <-p.Done():
	case <-time.After(5 * time.Second):
		t.Fatal("the leash outlives its child")
	}

	if exit := (*exec.ExitError)(nil); !errors.As(p.Err(), &exit) || exit.ExitCode() != 3 {
		t.Errorf("Err(): want exit code 3, got %v", p.Err())
	}

	wait(t, p.Group())
}
