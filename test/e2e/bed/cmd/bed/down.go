package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"syscall"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/leash"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/state"
)

// grace is how long a bed gets to end in order before it is killed. Its
// children end with it either way.
const grace = 30 * time.Second

var errNotRunning = errors.New("no bed runs")

func isReady(dir string, pid int) bool {
	s, running, err := state.Read(dir)
	return err == nil && running && s.Ready && s.PID == pid
}

func down(ctx context.Context, args []string, out io.Writer) error {
	dir, err := parse(flag.NewFlagSet("down", flag.ContinueOnError), args)
	if err != nil {
		return err
	}

	var (
		s       state.State
		running bool
	)
	// A bed that has the lock writes its process id next.
	if err := await(ctx, 5*time.Second, func() (bool, error) {
		s, running, err = state.Read(dir)
		return !running || s.PID != 0, err
	}); err != nil {
		return err
	}

	if !running {
		fmt.Fprintf(out, "no bed runs in %s\n", dir)
		return nil
	}

	if err := end(ctx, dir, s.PID); err != nil {
		return err
	}

	for name, group := range s.Groups {
		gone := func() (bool, error) {
			alive, err := leash.Alive(group)
			return !alive, err
		}
		if err := await(ctx, 10*time.Second, gone); err != nil {
			return fmt.Errorf("the bed's %s (process group %d) does not end: %w", name, group, err)
		}
	}

	fmt.Fprintln(out, "the bed is gone")

	return nil
}

// end ends the process that holds the bed: in order if it can.
func end(ctx context.Context, dir string, pid int) error {
	gone := func() (bool, error) {
		_, running, err := state.Read(dir)
		return !running, err
	}

	for _, s := range []struct {
		signal syscall.Signal
		limit  time.Duration
	}{{syscall.SIGTERM, grace}, {syscall.SIGKILL, 5 * time.Second}} {
		if err := syscall.Kill(pid, s.signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("cannot end the bed (process %d): %w", pid, err)
		}

		err := await(ctx, s.limit, gone)
		if err == nil {
			return nil
		}

		if ctx.Err() != nil {
			return err
		}
	}

	return fmt.Errorf("cannot end the bed: process %d does not go", pid)
}

func await(ctx context.Context, limit time.Duration, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	for {
		ok, err := done()
		if ok || err != nil {
			return err
		}

		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func status(args []string, out io.Writer) error {
	dir, err := parse(flag.NewFlagSet("status", flag.ContinueOnError), args)
	if err != nil {
		return err
	}

	s, running, err := state.Read(dir)

	switch {
	case err != nil:
		return err
	case !running:
		return fmt.Errorf("%w in %s", errNotRunning, dir)
	case !s.Ready:
		fmt.Fprintf(out, "a bed starts, since %s\n", time.Since(s.Started).Round(time.Second))
	default:
		fmt.Fprintf(out, "a bed runs, since %s\n", time.Since(s.Started).Round(time.Second))
		describe(out, s)
	}

	return nil
}
