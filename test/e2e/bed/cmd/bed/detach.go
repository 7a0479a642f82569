package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// logName is the file that gets the output of a detached bed.
const logName = "up.log"

func logPath(dir string) string { return filepath.Join(dir, logName) }

// detach holds the bed in a process of its own, shows what it prints and
// returns when it is ready.
func detach(ctx context.Context, f upFlags, args []string, out io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot find my own program: %w", err)
	}

	if err := os.MkdirAll(f.dir, 0o755); err != nil {
		return fmt.Errorf("cannot make the bed's directory: %w", err)
	}

	log, err := os.Create(logPath(f.dir))
	if err != nil {
		return fmt.Errorf("cannot make the bed's log: %w", err)
	}
	defer log.Close()

	// The last flag wins, so the rest may stay as it was typed.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), self, slices.Concat([]string{"up"}, args, []string{"--detach=false"})...) //nolint:gosec // This program, with its own arguments.
	cmd.Stdout, cmd.Stderr = log, log
	// A session of its own: neither Ctrl-C nor the end of the terminal is for it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}

	if err := cmd.Start(); err != nil {
		return fmt.Errorf("cannot start the bed: %w", err)
	}

	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()

	shown, err := os.Open(logPath(f.dir))
	if err != nil {
		return fmt.Errorf("cannot read the bed's log: %w", err)
	}
	defer shown.Close()

	for {
		ready := isReady(f.dir, cmd.Process.Pid)
		if _, err := io.Copy(out, shown); err != nil {
			return fmt.Errorf("cannot show the bed's log: %w", err)
		}

		if ready {
			return nil
		}

		select {
		case err := <-ended:
			_, _ = io.Copy(out, shown)

			if err == nil {
				return nil // It joined a bed that another process had just started.
			}

			return fmt.Errorf("the bed did not start: %w", err)
		case <-ctx.Done():
			// Asked to end before the bed was there: it goes, too.
			return errors.Join(context.Cause(ctx), cmd.Process.Signal(syscall.SIGTERM), <-ended)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
