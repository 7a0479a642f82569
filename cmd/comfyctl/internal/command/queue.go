package command

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

func newStatus(t *tool) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show whether the studio answers and how much it has to do",
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := t.client()
			if err != nil {
				return err
			}

			ctx, stop := shortly(cmd.Context())
			defer stop()

			n, err := c.Remaining(ctx)
			if err != nil {
				return err
			}

			if t.json {
				return t.print(map[string]any{"url": c.URL(), "remaining": n})
			}

			fmt.Fprintf(t.out, "%s answers; prompts waiting or running: %d\n", c.URL(), n)

			return nil
		},
	}
}

func newQueue(t *tool) *cobra.Command {
	return &cobra.Command{
		Use: "queue", Short: "List the prompts that run and wait, in the order in which they run",
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := t.client()
			if err != nil {
				return err
			}

			ctx, stop := shortly(cmd.Context())
			defer stop()

			jobs, err := c.Queue(ctx)
			if err != nil {
				return err
			}

			if t.json {
				return t.print(map[string]any{"jobs": jobs})
			}

			for _, j := range jobs {
				state := "waiting"
				if j.Running {
					state = "running"
				}

				fmt.Fprintf(t.out, "%s  %s  %d nodes\n", j.ID, state, j.Nodes)
			}

			return nil
		},
	}
}

func newCancel(t *tool) *cobra.Command {
	return &cobra.Command{
		Use: "cancel ID...", Short: "Stop prompts, whether they wait or run, and no others",
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, ids []string) error {
			c, err := t.client()
			if err != nil {
				return err
			}

			ctx, stop := shortly(cmd.Context())
			defer stop()

			var all error

			for _, id := range ids {
				found, err := c.Cancel(ctx, id)

				switch {
				case err != nil:
					all = errors.Join(all, fmt.Errorf("cannot cancel %s: %w", id, err))
				case !found:
					all = errors.Join(all, fmt.Errorf("%s neither waits nor runs", id))
				case !t.json:
					fmt.Fprintln(t.out, id, "cancelled")
				}
			}

			return all
		},
	}
}
