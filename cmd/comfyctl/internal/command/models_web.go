package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/comfyui-studio/comfyui-studio/cmd/comfyctl/internal/need"
	"github.com/comfyui-studio/comfyui-studio/cmd/comfyctl/internal/progress"
	"github.com/comfyui-studio/comfyui-studio/cmd/comfyctl/internal/push"
	"github.com/comfyui-studio/comfyui-studio/modelsync/fetch"
)

// A webPush brings models from URLs into the bucket, as the studio does by itself.
type webPush struct {
	*pushing

	shelf shelf
	board *progress.Board
}

// Parts and how many of them are in memory at once: a laptop has less of it than a
// build machine.
const (
	webPart   = 16 << 20
	webWindow = 8
)

func (w *webPush) fetcher(o fetch.Options) (*fetch.Fetcher, error) {
	o.Models, o.Client, o.Notebook, o.Part, o.Window = w.shelf.name, w.shelf.client, notebook(notes("fetches")), webPart, webWindow
	o.Token = sourceToken

	return fetch.New(o)
}

// sourceToken is a bearer token in an environment variable.
func sourceToken(_ context.Context, variable string) (string, error) {
	token := environment(variable)
	if token == "" {
		return "", fmt.Errorf("%s is empty", variable)
	}

	return token, nil
}

// complete asks sources for what is not known of their files.
func (w *webPush) complete(ctx context.Context, all []need.Model) error {
	if len(all) == 0 {
		return nil
	}

	f, err := w.fetcher(fetch.Options{})
	if err != nil {
		return err
	}

	var errs []error

	for i := range all {
		if err := ask(ctx, f, &all[i], w.tokenVariable); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", all[i].Path, err))
			continue
		}

		if all[i].Size < 0 || all[i].SHA256 == "" {
			errs = append(errs, usageError{fmt.Errorf("%s: its source tells no sha256 or no size: say --sha256", all[i].Path)})
		}
	}

	return errors.Join(errs...)
}

// ask fills in what a source tells of a file.
func ask(ctx context.Context, f *fetch.Fetcher, m *need.Model, tokenVariable string) error {
	if m.SHA256 != "" && m.Size > 0 {
		return nil
	}

	offer, err := f.Look(ctx, fetch.File{Path: m.Path, URL: m.URL, TokenSecret: tokenVariable})
	if err != nil {
		return err
	}

	if m.SHA256 == "" {
		m.SHA256 = offer.SHA256
	}

	if m.Size <= 0 {
		m.Size = offer.Size
	}

	return nil
}

func (w *webPush) fetch(ctx context.Context, all []need.Model) ([]push.Result, error) {
	if len(all) == 0 {
		return nil, nil
	}

	var (
		mu    sync.Mutex
		why   = map[string]error{}
		bars  = map[string]*progress.Bar{}
		files []fetch.File
	)

	for _, m := range all {
		files = append(files, fetch.File{Path: m.Path, URL: m.URL, SHA256: m.SHA256, Size: m.Size, TokenSecret: w.tokenVariable})
		bars[m.Path] = w.board.Bytes(m.Path, m.Size)
	}

	f, err := w.fetcher(fetch.Options{
		Progress: func(f fetch.File, done int64) { bars[f.Path].To(done, f.Size) },
		Failed: func(f fetch.File, err error) {
			mu.Lock()
			defer mu.Unlock()

			why[f.Path] = err
		},
		Report: func(r fetch.Result) {
			mu.Lock()
			defer mu.Unlock()

			bars[r.Path].End(why[r.Path], "")
		},
	})
	if err != nil {
		return nil, err
	}

	var out []push.Result

	for i, r := range f.Fetch(ctx, files) {
		out = append(out, push.Result{Key: r.Path, Size: all[i].Size, SHA256: all[i].SHA256, Err: why[r.Path]})
	}

	return out, nil
}

// notebook keeps notes in a directory.
type notebook string

func (n notebook) Read(_ context.Context, name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(n), name))
}

func (n notebook) Write(_ context.Context, name string, note []byte) error {
	if err := os.MkdirAll(string(n), 0o700); err != nil {
		return fmt.Errorf("cannot write a note: %w", err)
	}

	return os.WriteFile(filepath.Join(string(n), name), note, 0o600)
}

func (n notebook) Delete(_ context.Context, name string) error {
	if err := os.Remove(filepath.Join(string(n), name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cannot delete a note: %w", err)
	}

	return nil
}
