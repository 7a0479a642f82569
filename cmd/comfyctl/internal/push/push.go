// Package push puts files into a bucket of models: in parts and several at a time,
// checked at every step, and going on where it was when it was interrupted.
//
// A file is read twice. The first time its SHA-256 is taken, which the object says
// of itself, and the CRC64NVME of each part. The second time the parts are sent,
// each with the sum that was taken before, and S3 refuses a part whose bytes have
// another: whatever happened to them in between, on this disk, in this memory or on
// the way. At the end S3 holds the sum of the whole against what it has put
// together. An object appears whole, or not at all.
//
// The SDK's transfer manager is not used: it begins each upload anew, and it has no
// way to go on with one that is there (feature/s3/transfermanager v0.5.7,
// api_op_UploadObject.go).
package push

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"

	"github.com/comfyui-studio/comfyui-studio/modelsync/key"
)

// A File is one to be put into the bucket.
type File struct {
	// Path is where it is, Key where it shall be.
	Path, Key string
	// SHA256 is what it must have, or empty.
	SHA256 string
}

// A Stage is what is done with a file.
type Stage string

// What is done with files.
const (
	Reading Stage = "reads"
	Sending Stage = "sends"
)

// Options are what a Pusher works with. What is left out has a default, but for
// Client, Bucket and Notes.
type Options struct {
	Client *s3.Client
	Bucket string
	// Notes is a directory in which it is remembered how far an upload is.
	Notes string
	// Replace lets another file under the same key be replaced.
	Replace bool

	// Part is the least size of a part, Streams how many are sent at once over all
	// files, and Files how many files are looked after at once.
	Part    int64
	Streams int
	Files   int

	// Progress hears how far a file is, and Done what became of it.
	Progress func(f File, stage Stage, done, size int64)
	Done     func(r Result)
}

// Parts of 16 MiB lose little when one has to be sent again; ten streams are what
// other tools have too. Two files at once have one read while the other is sent.
const (
	defaultPart    = 16 << 20
	defaultStreams = 10
	defaultFiles   = 2
)

// A Pusher pushes files.
type Pusher struct {
	Options

	streams chan struct{}
}

// New makes a Pusher.
func New(o Options) *Pusher {
	o.Part, o.Streams, o.Files = cmp.Or(o.Part, defaultPart), cmp.Or(o.Streams, defaultStreams), cmp.Or(o.Files, defaultFiles)

	if o.Progress == nil {
		o.Progress = func(File, Stage, int64, int64) {}
	}

	if o.Done == nil {
		o.Done = func(Result) {}
	}

	return &Pusher{Options: o, streams: make(chan struct{}, o.Streams)}
}

// A Result is what became of a file.
type Result struct {
	Key    string `json:"key"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	// There says that the bucket had it before, Resumed how many bytes it had from an
	// upload that was interrupted.
	There   bool  `json:"there"`
	Resumed int64 `json:"resumed,omitempty"`
	Err     error `json:"-"`
}

// ErrConflict is of a key under which there is another file.
var ErrConflict = errors.New("the bucket holds another file under that name")

// Push puts files into the bucket, and tells what became of each, in their order.
// One that fails stops no other.
func (p *Pusher) Push(ctx context.Context, files []File) []Result {
	out := make([]Result, len(files))

	var g errgroup.Group

	g.SetLimit(p.Files)

	for i, f := range files {
		g.Go(func() error {
			out[i] = p.push(ctx, f)
			p.Done(out[i])

			return nil
		})
	}

	_ = g.Wait()

	return out
}

func (p *Pusher) push(ctx context.Context, f File) Result {
	r := Result{Key: f.Key}

	r.Err = func() error {
		if err := key.Check(f.Key); err != nil {
			return fmt.Errorf("the name %q %w", f.Key, err)
		}

		d, err := p.read(ctx, f)
		if err != nil {
			return err
		}
		defer d.close()

		r.Size, r.SHA256 = d.size, d.sha256

		if f.SHA256 != "" && f.SHA256 != d.sha256 {
			return fmt.Errorf("%s has sha256 %s, and must have %s", f.Path, d.sha256, f.SHA256)
		}

		before, err := p.there(ctx, d)
		if err != nil {
			return err
		}

		if r.There = before.same; r.There {
			return nil
		}

		r.Resumed, err = p.send(ctx, d, before)

		return err
	}()

	return r
}

// A prior is what the bucket has under a key.
type prior struct {
	// same says that it is the file, and etag what is to be replaced, if anything.
	same bool
	etag string
}

// statusOf is the status of S3's answer, or 0 where it gave none.
func statusOf(err error) int {
	if r, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return r.HTTPStatusCode()
	}

	return 0
}

// damaged says that S3 got other bytes than were promised.
func damaged(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)

	return ok && slices.Contains([]string{"BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch"}, api.ErrorCode())
}

// conflicts says that somebody put another file there in between.
func conflicts(err error) bool {
	return statusOf(err) == http.StatusPreconditionFailed || statusOf(err) == http.StatusConflict
}
