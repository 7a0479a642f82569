package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/comfyui-studio/comfyui-studio/comfy"
)

const runLong = `Run a workflow and bring back what it makes.

The workflow is a file as ComfyUI exports it with File > Export (API), or a PNG
that ComfyUI made, with all its numbers as they are written there. Each run is told
with its id, by which it can be cancelled. When the studio sleeps, run wakes it and
waits. A connection that breaks loses nothing, and nothing runs twice.

Ctrl-C stops waiting and leaves the prompt in the queue: comfyctl wait ID brings
back what it made, comfyctl cancel ID stops it.`

const runExample = `  comfyctl run workflow.json --set 6.text="a glass bottle with a galaxy in it"
  comfyctl run workflow.json --seed random -n 8 -o out
  comfyctl run picture.png --input 10.image=photo.png
  comfyctl run workflow.json --json | jq -r '.runs[].files[].path'`

// running is a command line of run.
type running struct {
	bringing

	file   string
	sets   []string
	inputs []string
	seed   string
	times  int
	limit  time.Duration
}

func newRun(t *tool) *cobra.Command {
	r := running{bringing: bringing{tool: t}}
	c := &cobra.Command{
		Use: "run FILE", Short: "Run a workflow and bring back what it makes", Long: runLong, Example: runExample,
		Args: args(cobra.ExactArgs(1)), ValidArgsFunction: workflows,
		RunE: func(cmd *cobra.Command, given []string) error {
			r.file = given[0]

			return r.run(cmd.Context())
		},
	}
	f := c.Flags()
	f.StringArrayVar(&r.sets, "set", nil, "give an input a value: NODE.INPUT=VALUE, the node by id, title or class")
	f.StringArrayVar(&r.inputs, "input", nil, "upload a file and have a node load it: NODE.INPUT=FILE")
	f.StringVar(&r.seed, "seed", "", "a number for all seeds, or random for another in each run")
	f.IntVarP(&r.times, "number", "n", 1, "how often to run it; more than once, and without --seed, each with a seed of its own")
	f.StringVarP(&r.dir, "dir", "o", ".", "folder to put the files into; it is made if it is not there")
	f.DurationVar(&r.limit, "timeout", time.Hour, "how long to wait for all of it")
	_ = c.MarkFlagDirname("dir")

	return c
}

func (r *running) run(ctx context.Context) error {
	graph, err := r.graph()
	if err != nil {
		return err
	}

	graphs := make([]comfy.Graph, r.times)
	for i := range graphs {
		if graphs[i], err = r.seeded(graph); err != nil {
			return err
		}
	}

	ctx, stop := context.WithTimeout(ctx, r.limit)
	defer stop()

	c, err := r.client(ctx)
	if err != nil {
		return err
	}

	if err := r.folder(); err != nil {
		return err
	}

	if err := r.upload(ctx, c, graphs); err != nil {
		return err
	}

	return r.all(ctx, c, graphs)
}

// all runs graphs, and prints what became of each.
func (r *running) all(ctx context.Context, c *comfy.Client, graphs []comfy.Graph) error {
	done := make([]finished, len(graphs))
	errs := make([]error, len(graphs))
	board, over := r.board()

	var g errgroup.Group

	// More at once only wait in the studio's queue.
	g.SetLimit(8)

	for i, graph := range graphs {
		g.Go(func() error {
			done[i], errs[i] = r.one(ctx, c, graph, board)

			return nil
		})
	}

	_ = g.Wait()

	over()

	return errors.Join(errors.Join(errs...), r.report(done))
}

// graph reads the workflow and sets what is asked for.
func (r *running) graph() (comfy.Graph, error) {
	if r.times < 1 {
		return nil, usageError{errors.New("--number must be at least 1")}
	}

	b, err := os.ReadFile(r.file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the workflow: %w", err)
	}

	g, err := comfy.ParseGraph(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.file, err)
	}

	for _, s := range r.sets {
		place, value, ok := strings.Cut(s, "=")
		if !ok {
			return nil, usageError{fmt.Errorf("--set %s must be NODE.INPUT=VALUE", s)}
		}

		if err := g.Set(place, json.RawMessage(value)); err != nil {
			return nil, usageError{err}
		}
	}

	return g, nil
}

// upload has files where the nodes that load them find them.
func (r *running) upload(ctx context.Context, c *comfy.Client, graphs []comfy.Graph) error {
	for _, s := range r.inputs {
		place, path, ok := strings.Cut(s, "=")
		if !ok {
			return usageError{fmt.Errorf("--input %s must be NODE.INPUT=FILE", s)}
		}

		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("cannot read an input: %w", err)
		}

		up, err := c.Upload(ctx, filepath.Base(path), f)
		_ = f.Close()

		if err != nil {
			return err
		}

		for _, g := range graphs {
			if err := g.Set(place, up.Path()); err != nil {
				return usageError{err}
			}
		}
	}

	return nil
}

// seeded is the graph of one run: the same graph twice makes nothing new.
func (r *running) seeded(g comfy.Graph) (comfy.Graph, error) {
	g = g.Clone()

	switch {
	case r.seed == "random" || (r.seed == "" && r.times > 1):
		seed, err := comfy.RandomSeed()
		if err != nil {
			return nil, err
		}

		g.Seed(seed)
	case r.seed != "":
		seed, err := strconv.ParseUint(r.seed, 10, 64)
		if err != nil {
			return nil, usageError{fmt.Errorf("--seed must be a number or random, and is %q", r.seed)}
		}

		g.Seed(seed)
	}

	return g, nil
}
