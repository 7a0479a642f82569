package command

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/comfyui-studio/comfyui-studio/cmd/comfyctl/internal/progress"
	"github.com/comfyui-studio/comfyui-studio/comfy"
)

// finished is what is said of a run.
type finished struct {
	ID      string       `json:"id"`
	State   comfy.State  `json:"state"`
	Seconds float64      `json:"seconds"`
	Files   []fetched    `json:"files"`
	Texts   []comfy.Text `json:"texts,omitempty"`
	Dropped []string     `json:"dropped,omitempty"`
	Error   string       `json:"error,omitempty"`
}

// one runs a graph once. What a prompt made before it failed is brought back too.
func (r *running) one(ctx context.Context, c *comfy.Client, g comfy.Graph, board *progress.Board) (finished, error) {
	id := comfy.NewID()
	bar := board.Share(id[:8])
	bar.Say("waits")

	result, err := c.Run(ctx, g, comfy.Run{ID: id, OnEvent: r.tell(id, g, bar), OnQueued: func(t comfy.Ticket) {
		fmt.Fprintf(r.log, "queued %s\n", t.ID)

		for _, line := range t.Dropped.Lines() {
			fmt.Fprintf(r.log, "left out: %s\n", line)
		}
	}})

	out, err := r.bring(ctx, c, id, result, err)

	if err == nil && len(out.Dropped) > 0 {
		err = incompleteError{fmt.Errorf("some outputs were left out:\n  %s", strings.Join(out.Dropped, "\n  "))}
		out.Error = err.Error()
	}

	bar.End(err, fmt.Sprintf("%.1f s", out.Seconds))

	return out, err
}

// tell shows which node runs, and that the connection is lost.
func (r *running) tell(id string, g comfy.Graph, bar *progress.Bar) func(comfy.Event) {
	node := ""
	over := map[string]bool{}

	// Each node is as much as any other, since nobody knows how long it takes.
	const share = 1000

	return func(e comfy.Event) {
		switch e.Kind {
		case comfy.Disconnected:
			fmt.Fprintf(r.log, "%s goes on, and its progress is not known: the connection is lost\n", id)
		case comfy.Reused:
			for _, n := range e.Nodes {
				over[n] = true
			}
		case comfy.Executing:
			if e.Node == node {
				return
			}

			over[node] = node != ""
			node = e.Node
			bar.Say(g[node].Title())

			if !r.bars || r.json {
				fmt.Fprintf(r.log, "%s runs node %s (%s)\n", id, node, g[node].Title())
			}
		case comfy.Executed:
			over[e.Node] = true
		default:
		}

		done := int64(len(over)) * share
		if e.Kind == comfy.Progress && e.Max > 0 {
			done += int64(share * e.Value / e.Max)
		}

		bar.To(done, int64(len(g))*share)
	}
}

// bringing has what prompts made in a folder.
type bringing struct {
	*tool

	dir string
}

// bring fetches what a prompt made.
func (b *bringing) bring(ctx context.Context, c *comfy.Client, id string, result *comfy.Result, err error) (finished, error) {
	out := finished{ID: id, Files: []fetched{}}

	if err == nil {
		out.State, out.Seconds, out.Texts, out.Dropped = result.State, result.Took.Seconds(), result.Texts, result.Dropped.Lines()
		out.Files, err = b.save(ctx, c, result)
		err = errors.Join(result.Err(), err)
	}

	if err != nil {
		out.Error = err.Error()
	}

	return out, err
}

// report prints what there is of prompts.
func (b *bringing) report(done []finished) error {
	if b.json {
		return b.print(map[string]any{"runs": done})
	}

	for _, one := range done {
		for _, f := range one.Files {
			fmt.Fprintln(b.out, f.Path)
		}

		for _, text := range one.Texts {
			fmt.Fprintln(b.out, text.Text)
		}
	}

	return nil
}
