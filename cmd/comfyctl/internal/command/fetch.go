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

// fetched is a file that was brought back.
type fetched struct {
	comfy.File

	Path string `json:"path"`
}

// folder has the folder there.
func (b *bringing) folder() error {
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return fmt.Errorf("cannot make %s: %w", b.dir, err)
	}

	return nil
}

func (b *bringing) save(ctx context.Context, c *comfy.Client, result *comfy.Result) ([]fetched, error) {
	out := []fetched{}

	var all error

	for _, f := range result.Kept() {
		if f.Cached {
			fmt.Fprintf(b.log, "%s is from an earlier run: the workflow is the same (--seed random makes another)\n", f.Name)
		}

		path, err := b.fetch(ctx, c, f)
		if err != nil {
			all = errors.Join(all, err)
			continue
		}

		out = append(out, fetched{f, path})
	}

	return out, all
}

// fetch brings a file under its own name, whole or not at all. A server names it, so
// only the last part of the name counts.
func (b *bringing) fetch(ctx context.Context, c *comfy.Client, f comfy.File) (string, error) {
	part, err := os.CreateTemp(b.dir, ".comfyctl-*")
	if err != nil {
		return "", fmt.Errorf("cannot write to %s: %w", b.dir, err)
	}
	defer os.Remove(part.Name())

	_, err = c.Download(ctx, f, part)
	if err = errors.Join(err, part.Chmod(0o644), part.Close()); err != nil {
		return "", err
	}

	name := filepath.Base(filepath.Clean("/" + filepath.ToSlash(f.Name)))
	ext := filepath.Ext(name)

	for n := 0; ; n++ {
		path := filepath.Join(b.dir, name)
		if n > 0 {
			path = filepath.Join(b.dir, fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, ext), n, ext))
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
