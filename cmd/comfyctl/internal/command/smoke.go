package command

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/comfyui-studio/comfyui-studio/cmd/comfyctl/internal/smoke"
)

const smokeLong = `Run the studio from end to end: queue, run, bring back and look at what came, with the
time of each stage. The first workflow needs no model; the second is Stable Diffusion
XL, base and refiner, and runs where both are in the studio.

It asks for nothing and prints plain lines, so it can be a Job:
docs/reference/comfyctl.md has one.`

func newSmoke(t *tool) *cobra.Command {
	var (
		models bool
		limit  time.Duration
	)

	c := &cobra.Command{
		Use: "smoke", Short: "Try the studio from end to end and take the time of each stage", Long: smokeLong, Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := context.WithTimeout(cmd.Context(), limit)
			defer stop()

			client, err := t.client(ctx)
			if err != nil {
				return err
			}

			test := smoke.Test{Client: client, Models: models, Say: func(text string) { fmt.Fprintln(t.log, text) }}
			runs, err := test.Run(ctx)

			return errors.Join(err, t.smoked(runs))
		},
	}
	c.Flags().BoolVar(&models, "require-models", false, "fail where Stable Diffusion XL cannot run")
	c.Flags().DurationVar(&limit, "timeout", 30*time.Minute, "how long to wait for all of it")

	return c
}

func (t *tool) smoked(runs []smoke.Run) error {
	if t.json {
		return t.print(map[string]any{"runs": runs})
	}

	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)

	for _, r := range runs {
		switch {
		case r.Skipped != "":
			fmt.Fprintf(w, "%s\tskipped\t%s\n", r.Name, r.Skipped)
		case r.Error != "":
			fmt.Fprintf(w, "%s\tfailed\t\n", r.Name)
		}

		for _, s := range r.Stages {
			fmt.Fprintf(w, "%s\t%s\t%.1f s\n", r.Name, s.Name, s.Seconds)
		}
	}

	if err := w.Flush(); err != nil {
		return fmt.Errorf("cannot print: %w", err)
	}

	return nil
}
