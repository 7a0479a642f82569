package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// patience is how long one block may take on a busy machine: what hangs, ends. What
// takes more than a minute on a quiet one is tagged so.
const patience = 10 * time.Minute

// runBlocks runs what is tagged run, each block in a shell of its own.
func runBlocks(ctx context.Context, root string, pages []*page, out io.Writer) []error {
	var errs []error

	for _, p := range pages {
		for _, b := range p.blocks {
			if b.command() && b.tag() == tagRun {
				began := time.Now()
				if err := b.run(ctx, root); err != nil {
					errs = append(errs, fmt.Errorf("%s: %w", b.where(), err))
				}

				fmt.Fprintf(out, "ran %s in %.1f s\n", b.where(), time.Since(began).Seconds())
			}
		}
	}

	return errs
}

func (b *block) run(ctx context.Context, root string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()

	// The shell shows both streams as a terminal would, in the order of writing.
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", b.text)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "LC_ALL=C", "MAKEFLAGS=", "MAKELEVEL=")
	cmd.WaitDelay = 5 * time.Second
	// What it started goes with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

	printed, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return fmt.Errorf("it took longer than %s, after printing:\n%s", patience, printed)
	}

	if err != nil {
		return fmt.Errorf("%w; it printed:\n%s", err, printed)
	}

	if b.next == nil || b.next.language != "text" {
		return nil
	}

	if !matches(lines(b.next.text), lines(string(printed))) {
		return errors.New("it does not print what the page shows. The page:\n" + b.next.text + "Printed:\n" + string(printed))
	}

	return nil
}

func lines(s string) []string {
	s = strings.TrimRight(s, "\n \t")

	var out []string
	for line := range strings.SplitSeq(s, "\n") {
		out = append(out, strings.TrimRight(line, " \t"))
	}

	return out
}

// left stands in a page for what was left out: any lines where it has a line of
// its own, any text within one.
const left = "…"

func matches(want, got []string) bool {
	if len(want) == 0 {
		return len(got) == 0
	}

	if strings.TrimSpace(want[0]) == left {
		for i := range len(got) + 1 {
			if matches(want[1:], got[i:]) {
				return true
			}
		}

		return false
	}

	return len(got) > 0 && matchesLine(strings.Split(want[0], left), got[0]) && matches(want[1:], got[1:])
}

// matchesLine tells whether a line has the pieces in their order, the first at its
// beginning and the last at its end.
func matchesLine(pieces []string, line string) bool {
	if len(pieces) == 1 {
		return line == pieces[0]
	}

	rest, ok := strings.CutPrefix(line, pieces[0])
	if !ok {
		return false
	}

	for _, piece := range pieces[1 : len(pieces)-1] {
		_, after, ok := strings.Cut(rest, piece)
		if !ok {
			return false
		}

		rest = after
	}

	return strings.HasSuffix(rest, pieces[len(pieces)-1])
}
