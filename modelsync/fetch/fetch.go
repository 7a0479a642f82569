// Package fetch brings declared models into the models bucket, each whole and
// with the content that was declared, or not at all.
//
// A source is read in ranges, several at a time, into a window of bounded size;
// its bytes are hashed in their order and go on as the parts of a multipart
// upload. Nobody sees an upload before it is completed, and it is completed only
// when size and SHA-256 are what was declared and nothing lies under its name. So
// nothing is written to a disk, nothing is copied twice, and what is interrupted
// goes on where it was: the parts and the state of the hash are remembered beside.
//
// A file that is there with its hash costs one question. A file that lies there
// without it is somebody's own and is never touched. One file that fails stops no
// other.
package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

// A File is a declared model.
type File struct {
	// Path is its key in the models bucket.
	Path string `json:"path"`
	// URL is https://… or s3://bucket/key.
	URL    string `json:"url"`
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
	// TokenSecret names the secret that holds a bearer token, or is empty.
	TokenSecret string `json:"tokenSecret,omitempty"`
}

// Options are what a Fetcher works with. What is left out has a default, but for
// Models, Client, Token, and one of Notes and Notebook.
type Options struct {
	// Models is the bucket that is filled.
	Models string
	// Notes is where progress is remembered: a bucket and what the keys in it begin
	// with. Notebook is another place for it.
	Notes    Location
	Notebook Notebook
	// Client reaches both, and sources in S3.
	Client *s3.Client
	// Token is the bearer token in a secret.
	Token func(ctx context.Context, secret string) (string, error)

	// Transport carries what comes from the web.
	Transport http.RoundTripper
	// Part is the least size of a part, and Window how many of that size are in
	// memory at once, over all files.
	Part   int64
	Window int
	// Tries is how often a range is asked for that brings nothing, Pause how long the
	// first wait between two is, and Idle how long a source may be silent.
	Tries int
	Pause time.Duration
	Idle  time.Duration

	// Report is told of each file when its fate is known, Failed before that why one
	// could not be fetched, and Progress how many of its bytes are in the bucket.
	Report   func(Result)
	Failed   func(File, error)
	Progress func(f File, done int64)
	Log      *slog.Logger
}

// A Location is a bucket and a prefix.
type Location struct{ Bucket, Prefix string }

// The window of 512 MiB keeps eight connections busy and fits the smallest build
// machine. Parts of 64 MiB make few requests; more than ten thousand of them S3
// does not take, so larger files have larger parts.
const (
	defaultPart   = 64 << 20
	defaultWindow = 8
	defaultTries  = 6
	defaultPause  = time.Second
	defaultIdle   = time.Minute
)

// filesAtOnce is how many files are fetched at once.
const filesAtOnce = 4

// A Fetcher fetches models.
type Fetcher struct {
	Options

	memory  *semaphore.Weighted
	window  int64
	buffers buffers
	web     *http.Client
}

// New makes a Fetcher.
func New(o Options) (*Fetcher, error) {
	if o.Notebook == nil && o.Notes.Bucket != "" {
		o.Notebook = inBucket{o.Client, o.Notes}
	}

	if o.Models == "" || o.Notebook == nil || o.Client == nil || o.Token == nil {
		return nil, errors.New("cannot fetch models without the bucket to fill, the bucket for notes, a client and a way to tokens")
	}

	o.Part = cmp.Or(o.Part, defaultPart)
	o.Window = cmp.Or(o.Window, defaultWindow)
	o.Tries = cmp.Or(o.Tries, defaultTries)
	o.Pause = cmp.Or(o.Pause, defaultPause)
	o.Idle = cmp.Or(o.Idle, defaultIdle)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))

	if o.Report == nil {
		o.Report = func(Result) {}
	}

	if o.Failed == nil {
		o.Failed = func(File, error) {}
	}

	if o.Progress == nil {
		o.Progress = func(File, int64) {}
	}

	f := &Fetcher{Options: o, window: o.Part * int64(o.Window), buffers: make(buffers, o.Window)}
	f.memory = semaphore.NewWeighted(f.window)
	f.web = newWeb(o.Transport, o.Window)

	return f, nil
}

// Fetch brings files into the bucket, and tells what became of each, in their
// order.
func (f *Fetcher) Fetch(ctx context.Context, files []File) []Result {
	out := make([]Result, len(files))

	var g errgroup.Group

	g.SetLimit(filesAtOnce)

	for i, file := range files {
		g.Go(func() error {
			out[i] = f.fetch(ctx, i, file)
			f.Report(out[i])

			return nil
		})
	}

	// No file fails another, so nothing is returned here.
	_ = g.Wait()

	return out
}

// fetch brings one file, and says in the log what became of it.
func (f *Fetcher) fetch(ctx context.Context, place int, file File) Result {
	log := f.Log.With(slog.String("path", file.Path), slog.String("source", redactText(file.URL)))
	from := time.Now()
	r := Result{Place: place, Path: file.Path}

	moved, err := f.bring(ctx, file, log)
	switch {
	case err == nil && moved == 0:
		log.InfoContext(ctx, "is there")
	case err == nil:
		took := time.Since(from)
		log.InfoContext(ctx, "fetched", slog.Int64("bytes", file.Size), slog.Int64("moved", moved),
			slog.Float64("seconds", took.Seconds()), slog.Float64("MB/s", float64(moved)/1e6/took.Seconds()))
	default:
		r.Failure = codeOf(err)
		f.Failed(file, redact(err))
		log.ErrorContext(ctx, "cannot fetch", slog.String("why", string(r.Failure)), slog.String("error", redact(err).Error()))
	}

	return r
}

// bring brings one file, unless it is there. It tells how many bytes it moved.
func (f *Fetcher) bring(ctx context.Context, file File, log *slog.Logger) (int64, error) {
	there, err := f.there(ctx, file)
	if there || err != nil {
		return 0, err
	}

	src, err := f.source(ctx, file)
	if err != nil {
		return 0, err
	}

	at, err := f.look(ctx, src)
	if err != nil {
		return 0, err
	}

	if err := at.matches(file); err != nil {
		return 0, err
	}

	up, err := f.upload(ctx, file, log)
	if err != nil {
		return 0, err
	}

	resumed := up.start > 0

	moved, err := f.transfer(ctx, src, at, up)
	if err == nil || !resumed || codeOf(err) != Checksum {
		return moved, err
	}

	// What was there before the interruption may be of another file that the source
	// had then. Only a fetch from the start tells.
	log.WarnContext(ctx, "starts again, since what it went on from is of another content")

	if up, err = f.upload(ctx, file, log); err != nil {
		return moved, err
	}

	again, err := f.transfer(ctx, src, at, up)

	return moved + again, err
}

// An Offer is what a source says of a file. Size is -1 and SHA256 empty where it
// does not say.
type Offer struct {
	Size   int64
	SHA256 string
}

// Look asks the source of a file, without fetching it.
func (f *Fetcher) Look(ctx context.Context, file File) (Offer, error) {
	src, err := f.source(ctx, file)
	if err != nil {
		return Offer{}, err
	}

	at, err := f.look(ctx, src)
	if err != nil {
		return Offer{}, redact(err)
	}

	if at.page {
		return Offer{}, refuse(Page, "the source gives a web page")
	}

	return Offer{Size: at.size, SHA256: at.sha256}, nil
}

// look asks a source what it has, as often as it takes.
func (f *Fetcher) look(ctx context.Context, src source) (about, error) {
	var at about

	err := f.retry(ctx, func() (bool, error) {
		var err error

		at, err = src.look(ctx)

		return false, err
	})
	if err != nil {
		return about{}, fmt.Errorf("cannot ask the source: %w", err)
	}

	return at, nil
}
