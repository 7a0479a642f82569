package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/comfyui-studio/comfyui-studio/comfy"
)

func newQueue(t *tool) *cobra.Command {
	return &cobra.Command{
		Use: "queue", Short: "List the prompts that run and wait, in the order in which they run",
		Args: args(cobra.NoArgs),
		RunE: t.shortly(func(ctx context.Context, c *comfy.Client, _ []string) error {
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
		}),
	}
}

func newCancel(t *tool) *cobra.Command {
	return &cobra.Command{
		Use: "cancel ID...", Short: "Stop prompts, whether they wait or run, and no others",
		Args: args(cobra.MinimumNArgs(1)),
		RunE: t.shortly(func(ctx context.Context, c *comfy.Client, ids []string) error {
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
		}),
	}
}

// shortly is how long somebody waits who asks and does not want anything to wake.
const shortly = 30 * time.Second

// shortly asks a studio, for no longer than somebody waits who does not want one to
// wake.
func (t *tool) shortly(ask func(ctx context.Context, c *comfy.Client, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		ctx, stop := context.WithTimeout(cmd.Context(), shortly)
		defer stop()

		c, err := t.client(ctx)
		if err != nil {
			return err
		}

		return ask(ctx, c, args)
	}
}
