package command

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"
)

const waitLong = `Wait for prompts that are queued, whoever queued them, and bring back what they make.

It goes on where a comfyctl run was stopped. Files go into the folder of -o.`

func newWait(t *tool) *cobra.Command {
	b := bringing{tool: t}

	var limit time.Duration

	c := &cobra.Command{
		Use: "wait ID...", Short: "Wait for prompts and bring back what they make", Long: waitLong,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, ids []string) error {
			ctx, stop := context.WithTimeout(cmd.Context(), limit)
			defer stop()

			return b.wait(ctx, ids)
		},
	}
	c.Flags().StringVarP(&b.dir, "dir", "o", ".", "folder to put the files into; it is made if it is not there")
	c.Flags().DurationVar(&limit, "timeout", time.Hour, "how long to wait for all of it")
	_ = c.MarkFlagDirname("dir")

	return c
}

func (b *bringing) wait(ctx context.Context, ids []string) error {
	c, err := b.client(ctx)
	if err != nil {
		return err
	}

	if err := b.folder(); err != nil {
		return err
	}

	var (
		done []finished
		all  error
	)

	// They run one after the other, so they are waited for in their order.
	for _, id := range ids {
		result, err := c.Follow(ctx, id)

		one, err := b.bring(ctx, c, id, result, err)
		done, all = append(done, one), errors.Join(all, err)
	}

	return errors.Join(all, b.report(done))
}
