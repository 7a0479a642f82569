package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/comfyui-studio/comfyui-studio/cmd/comfyctl/internal/need"
	"github.com/comfyui-studio/comfyui-studio/cmd/comfyctl/internal/progress"
	"github.com/comfyui-studio/comfyui-studio/cmd/comfyctl/internal/push"
)

const pushLong = `Put models into the studio's bucket: files, folders, URLs, or sets of the catalogue.

Where a model belongs is said by --to (a folder, such as checkpoints) or --as (a
whole path); a file or folder below a directory called models needs neither, and a
set of the catalogue knows by itself.

A push that was interrupted goes on where it was: run it again. Every part is checked
by S3 against what was read from the file, and the whole once more at the end. A file
that is there is not sent again. One with another content is not replaced, unless you
say --replace.

What comes from a URL passes through this machine and no disk of it; the studio can
fetch it by itself, too: comfyctl models from-workflow prints the lines for its claim.
For sources that ask for a token, --source-token-env names the variable it is in.`

const pushExample = `  comfyctl models push sd_xl_base_1.0.safetensors --to checkpoints
  comfyctl models push ~/ComfyUI/models/loras
  comfyctl models push sdxl
  comfyctl models push https://example.com/style.safetensors --to loras --sha256 9f86d0…`

// pushing is a command line of push.
type pushing struct {
	*models

	to, as, sha256  string
	catalogue       string
	tokenVariable   string
	replace, pickle bool
	streams         int
}

func newPush(m *models) *cobra.Command {
	p := &pushing{models: m}
	c := &cobra.Command{
		Use: "push SOURCE...", Short: "Put models into the bucket", Long: pushLong, Example: pushExample, Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, sources []string) error { return p.run(cmd.Context(), sources) },
	}
	f := c.Flags()
	f.StringVar(&p.to, "to", "", "folder below ComfyUI's models directory, such as checkpoints")
	f.StringVar(&p.as, "as", "", "whole path below it, for a single source")
	f.StringVar(&p.sha256, "sha256", "", "what a single source must have; a source that does not tell its own needs it")
	f.StringVar(&p.catalogue, "catalogue", "", "file with sets of your own, beside those that are built in")
	f.StringVar(&p.tokenVariable, "source-token-env", "", "environment variable that holds the bearer token for URLs")
	f.BoolVar(&p.replace, "replace", false, "replace a file of another content")
	f.BoolVar(&p.pickle, "allow-pickle", false, "push formats that can run code when they are loaded (.ckpt, .pt, .pth, .bin, .pkl)")
	f.IntVar(&p.streams, "streams", 0, "how many parts are sent at once (default 10)")

	return c
}

// sources is what was named, sorted by where it comes from.
type sources struct {
	files []push.File
	urls  []need.Model
}

func (p *pushing) run(ctx context.Context, given []string) error {
	all, err := p.sources(given)
	if err != nil {
		return err
	}

	s, err := p.open(ctx)
	if err != nil {
		return err
	}

	board, over := p.board()
	defer over()

	w := webPush{pushing: p, shelf: s, board: board}
	if err := w.complete(ctx, all.urls); err != nil {
		return err
	}

	if err := p.fits(ctx, s, all); err != nil {
		return err
	}

	results := p.pushFiles(ctx, s, board, all.files)

	more, err := w.fetch(ctx, all.urls)
	if err != nil {
		return err
	}

	over()

	return p.told(append(results, more...))
}

// sources reads the command line.
func (p *pushing) sources(given []string) (sources, error) {
	var out sources

	known, err := need.Read(p.catalogue)
	if err != nil {
		return out, err
	}

	for _, source := range given {
		set, isSet := known.Sets[source]

		switch {
		case strings.HasPrefix(source, "https://"), strings.HasPrefix(source, "s3://"):
			key, err := p.key(source, strings.SplitN(path.Base(source), "?", 2)[0])
			if err != nil {
				return out, err
			}

			out.urls = append(out.urls, need.Model{Path: key, URL: source, SHA256: p.sha256})
		case strings.HasPrefix(source, "http://"):
			return out, usageError{fmt.Errorf("%s is no https: anybody on the way could put another file there", source)}
		case isSet && !exists(source):
			out.urls = append(out.urls, set.Files...)
		default:
			files, err := p.files(source)
			if err != nil {
				return out, err
			}

			out.files = append(out.files, files...)
		}
	}

	if n := len(out.files) + len(out.urls); n > 1 && (p.as != "" || p.sha256 != "") {
		return out, usageError{fmt.Errorf("--as and --sha256 are for a single model, and these are %d", n)}
	}

	return out, p.refusePickles(out)
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// files is a file, or all models in a folder.
func (p *pushing) files(source string) ([]push.File, error) {
	info, err := os.Stat(source)
	if err != nil {
		return nil, fmt.Errorf("%s is no file, no URL and no set of the catalogue: %w", source, err)
	}

	if !info.IsDir() {
		key, err := p.key(source, filepath.Base(source))

		return []push.File{{Path: source, Key: key, SHA256: p.sha256}}, err
	}

	var out []push.File

	err = filepath.WalkDir(source, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || !need.IsModel(name) {
			return err
		}

		below, err := filepath.Rel(source, name)
		if err != nil {
			return err
		}

		key, err := p.key(name, filepath.ToSlash(below))
		out = append(out, push.File{Path: name, Key: key})

		return err
	})
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("there are no models in %s", source)
	}

	return out, err
}

// key is where a source belongs: where it was said, or where it lies below a
// directory called models.
func (p *pushing) key(source, below string) (string, error) {
	switch {
	case p.as != "":
		return p.as, nil
	case p.to != "":
		return path.Join(p.to, below), nil
	case strings.Contains(source, "://"):
	default:
		if whole, err := filepath.Abs(source); err == nil {
			slashes := filepath.ToSlash(whole)
			if i := strings.LastIndex(slashes, "/models/"); i >= 0 && strings.Contains(slashes[i+len("/models/"):], "/") {
				return slashes[i+len("/models/"):], nil
			}
		}
	}

	return "", usageError{fmt.Errorf("where does %s belong? Say --to with a folder such as checkpoints, loras or vae", source)}
}

func (p *pushing) refusePickles(all sources) error {
	if p.pickle {
		return nil
	}

	var found []string

	for _, f := range all.files {
		found = append(found, f.Key)
	}

	for _, u := range all.urls {
		found = append(found, u.Path)
	}

	found = slices.DeleteFunc(found, func(name string) bool { return !pickle(name) })
	if len(found) == 0 {
		return nil
	}

	return usageError{fmt.Errorf("%s can run code when it is loaded: take a .safetensors file, or say --allow-pickle if you trust where it is from", strings.Join(found, ", "))}
}

// fits refuses what the studio's nodes could not hold beside what is there.
func (p *pushing) fits(ctx context.Context, s shelf, all sources) error {
	if s.claim == nil {
		return nil
	}

	there, err := s.objects(ctx)
	if err != nil {
		return err
	}

	sizes := map[string]int64{}
	for _, o := range there {
		sizes[o.Key] = o.Size
	}

	for _, f := range all.files {
		info, err := os.Stat(f.Path)
		if err != nil {
			return fmt.Errorf("cannot read a model: %w", err)
		}

		sizes[f.Key] = info.Size()
	}

	for _, u := range all.urls {
		sizes[u.Path] = u.Size
	}

	var sum int64
	for _, n := range sizes {
		sum += n
	}

	_, err = fits(s.claim, sum)

	return err
}

func (p *pushing) pushFiles(ctx context.Context, s shelf, board *progress.Board, files []push.File) []push.Result {
	if len(files) == 0 {
		return nil
	}

	bars := map[string]*progress.Bar{}
	for _, f := range files {
		bars[f.Key] = board.Bytes(f.Key, 1)
	}

	pusher := push.New(push.Options{
		Client: s.client, Bucket: s.name, Notes: notes("uploads"), Replace: p.replace, Streams: p.streams,
		Progress: func(f push.File, stage push.Stage, done, size int64) {
			bars[f.Key].Say(string(stage))
			bars[f.Key].To(done, size)
		},
		Done: func(r push.Result) { bars[r.Key].End(r.Err, "") },
	})

	return pusher.Push(ctx, files)
}

// notes is where it is remembered how far things are.
func notes(kind string) string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}

	return filepath.Join(dir, "comfyctl", kind)
}

// told says what became of each.
func (p *pushing) told(results []push.Result) error {
	type row struct {
		push.Result

		Error string `json:"error,omitempty"`
	}

	rows := []row{}

	var all error

	for _, r := range results {
		one := row{Result: r}
		if r.Err != nil {
			one.Error = r.Err.Error()
			all = errors.Join(all, fmt.Errorf("cannot push %s: %w", r.Key, r.Err))
		}

		rows = append(rows, one)
	}

	if p.json {
		return errors.Join(all, p.print(map[string]any{fieldModels: rows}))
	}

	for _, r := range rows {
		switch {
		case r.Err != nil:
		case r.There:
			fmt.Fprintf(p.out, "%s is there\n", r.Key)
		case r.Resumed > 0:
			fmt.Fprintf(p.out, "%s %s, of which %s were there from before\n", r.Key, size(r.Size), size(r.Resumed))
		default:
			fmt.Fprintf(p.out, "%s %s\n", r.Key, size(r.Size))
		}
	}

	return all
}
