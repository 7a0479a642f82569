package main

import (
	"context"
	"flag"
	"fmt"
	"io"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/state"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/view"
)

// left says what the simulated AWS still has. That there is anything is an error.
func left(ctx context.Context, args []string, out io.Writer) error {
	dir, err := parse(flag.NewFlagSet("left", flag.ContinueOnError), args)
	if err != nil {
		return err
	}

	s, running, err := state.Read(dir)
	if err != nil {
		return err
	}

	if !running {
		return fmt.Errorf("%w in %s", errNotRunning, dir)
	}

	l, err := view.GetLedger(ctx, s.Ledger)
	if err != nil {
		return err
	}

	remaining, made := 0, len(l.Entries)

	for _, e := range l.Entries {
		if !e.Gone() {
			remaining++

			fmt.Fprintf(out, "%s %s/%s: %s\n", e.Kind, e.Namespace, e.Name, e.State)
		}
	}

	if remaining > 0 {
		return fmt.Errorf("%d of %d things are left in AWS", remaining, made)
	}

	fmt.Fprintf(out, "all %d things that were made in AWS are gone\n", made)

	return nil
}
