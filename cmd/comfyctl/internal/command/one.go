package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/comfyui-studio/comfyui-studio/comfy"
)

// finished is what is said of a run.
type finished struct {
	ID      string       `json:"id"`
	State   comfy.State  `json:"state"`
	Seconds float64      `json:"seconds"`
	Files   []saved      `json:"files"`
	Texts   []comfy.Text `json:"texts,omitempty"`
	Dropped []string     `json:"dropped,omitempty"`
	Error   string       `json:"error,omitempty"`
}

// saved is a file that was brought back.
type saved struct {
	comfy.File

	Path string `json:"path"`
}

// one runs a graph once. What a prompt made before it failed is brought back too.
func (r *running) one(ctx context.Context, c *comfy.Client, g comfy.Graph) (finished, error) {
	out := finished{ID: comfy.NewID(), Files: []saved{}}

	result, err := c.Run(ctx, g, comfy.Run{ID: out.ID, OnEvent: r.tell(out.ID, g), OnQueued: func(t comfy.Ticket) {
		fmt.Fprintf(r.log, "queued %s\n", t.ID)

		for _, line := range t.Dropped.Lines() {
			fmt.Fprintf(r.log, "left out: %s\n", line)
		}
	}})
	if err == nil {
		out.State, out.Seconds, out.Texts, out.Dropped = result.State, result.Took.Seconds(), result.Texts, result.Dropped.Lines()
		out.Files, err = r.save(ctx, c, result)
		err = errors.Join(result.Err(), err)
	}

	if err == nil && len(out.Dropped) > 0 {
		err = incompleteError{fmt.Errorf("some outputs were left out:\n  %s", strings.Join(out.Dropped, "\n  "))}
	}

	if err != nil {
		out.Error = err.Error()
	}

	if !r.json {
		for _, f := range out.Files {
			fmt.Fprintln(r.out, f.Path)
		}

		for _, text := range out.Texts {
			fmt.Fprintln(r.out, text.Text)
		}
	}

	return out, err
}

// tell prints which node runs, and that the connection is lost.
func (r *running) tell(id string, g comfy.Graph) func(comfy.Event) {
	node := ""

	return func(e comfy.Event) {
		switch {
		case e.Kind == comfy.Disconnected:
			fmt.Fprintf(r.log, "%s goes on, and its progress is not known: the connection is lost\n", id)
		case e.Kind == comfy.Executing && e.Node != node:
			node = e.Node
			fmt.Fprintf(r.log, "%s runs node %s (%s)\n", id, node, g[node].Title())
		}
	}
}

func (r *running) save(ctx context.Context, c *comfy.Client, result *comfy.Result) ([]saved, error) {
	out := []saved{}

	var all error

	for _, f := range result.Kept() {
		if f.Cached {
			fmt.Fprintf(r.log, "%s is from an earlier run: the workflow is the same (--seed random makes another)\n", f.Name)
		}

		path, err := r.fetch(ctx, c, f)
		if err != nil {
			all = errors.Join(all, err)
			continue
		}

		out = append(out, saved{f, path})
	}

	return out, all
}

// fetch brings a file under its own name, whole or not at all. A server names it, so
// only the last part of the name counts.
func (r *running) fetch(ctx context.Context, c *comfy.Client, f comfy.File) (string, error) {
	part, err := os.CreateTemp(r.dir, ".comfyctl-*")
	if err != nil {
		return "", fmt.Errorf("cannot write to %s: %w", r.dir, err)
	}
	defer os.Remove(part.Name())

	_, err = c.Download(ctx, f, part)
	if err = errors.Join(err, part.Chmod(0o644), part.Close()); err != nil {
		return "", err
	}

	name := filepath.Base(filepath.Clean("/" + filepath.ToSlash(f.Name)))
	ext := filepath.Ext(name)

	for n := 0; ; n++ {
		path := filepath.Join(r.dir, name)
		if n > 0 {
			path = filepath.Join(r.dir, fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, ext), n, ext))
		}

		// The name is taken first, so that no file that is there is replaced.
		taken, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, os.ErrExist) {
			continue
		}

		if err == nil {
			err = errors.Join(taken.Close(), os.Rename(part.Name(), path))
		}

		if err != nil {
			return "", fmt.Errorf("cannot write %s: %w", path, err)
		}

		return path, nil
	}
}
