package command

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
)

const statusLong = `Show whether the studio answers and how much it has to do. It wakes nothing.

With --studio, or a context that was saved with one, the claim is shown too: its
conditions, pools, image, models and cost. Then a studio that has no address yet is
no failure.`

// standing is what is said of a studio.
type standing struct {
	URL string `json:"url,omitempty"`
	// Remaining is nil where nobody answers.
	Remaining *int                          `json:"remaining,omitempty"`
	Error     string                        `json:"error,omitempty"`
	Studio    string                        `json:"studio,omitempty"`
	Claim     *v1alpha1.ComfyUIStudioStatus `json:"claim,omitempty"`
}

func newStatus(t *tool) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show whether the studio answers and how much it has to do", Long: statusLong,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := context.WithTimeout(cmd.Context(), shortly)
			defer stop()

			at, err := t.find(ctx)
			if err != nil {
				return err
			}

			out := standing{URL: at.URL}
			if at.claim != nil {
				out.Studio, out.Claim = at.claim.GetNamespace()+"/"+at.claim.GetName(), &at.claim.Status
			}

			if at.URL != "" {
				err = t.remaining(ctx, at, &out)
			}

			if t.json {
				if perr := t.print(out); perr != nil {
					return perr
				}

				return err
			}

			t.standing(out)

			return err
		},
	}
}

// remaining asks the studio itself.
func (t *tool) remaining(ctx context.Context, at found, s *standing) error {
	n, err := func() (int, error) {
		at, err := t.admit(ctx, at)
		if err != nil {
			return 0, err
		}

		c, err := t.clientOf(at)
		if err != nil {
			return 0, err
		}

		return c.Remaining(ctx)
	}()
	if err != nil {
		s.Error = err.Error()
		return err
	}

	s.Remaining = &n

	return nil
}

func (t *tool) standing(s standing) {
	if s.Remaining != nil {
		fmt.Fprintf(t.out, "%s answers; prompts waiting or running: %d\n", s.URL, *s.Remaining)
	}

	if s.Claim == nil {
		return
	}

	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	defer w.Flush()

	c := s.Claim
	fmt.Fprintf(w, "studio\t%s\n", s.Studio)

	if s.URL == "" {
		fmt.Fprintf(w, "address\tnone yet\n")
	}

	fmt.Fprintf(w, "servers\t%s\n", c.Servers)

	for _, p := range c.Pools {
		fmt.Fprintf(w, "pool %s\t%d nodes, %d of %d servers ready, %d prompts wait\n", p.Name, p.Nodes, p.ServersReady, p.Servers, p.Queue)
	}

	if c.Image != nil {
		fmt.Fprintf(w, "image\t%s %s\n", c.Image.State, c.Image.Reason)
	}

	if c.Models != nil {
		fmt.Fprintf(w, "models\t%d of %d declared are there\n", c.Models.Present, c.Models.Declared)

		for _, f := range c.Models.Failed {
			fmt.Fprintf(w, "  %s\t%s\n", f.Path, f.Reason)
		}
	}

	if c.Cost != nil {
		fmt.Fprintf(w, "cost\t%s USD an hour, %s asleep\n", c.Cost.HourlyUSD, c.Cost.IdleHourlyUSD)
	}

	for _, one := range c.Conditions {
		fmt.Fprintf(w, "%s\t%s  %s %s\n", one.Type, one.Status, one.Reason, one.Message)
	}
}
