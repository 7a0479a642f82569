// Package mirror makes a directory equal to a bucket and keeps it so.
//
// The truth is a listing, made every so often and whenever somebody pokes. What a
// reader sees under a name is always one whole version of its object: bytes are
// gathered beside the directory and come in by a rename. A file goes only when S3
// says that its object is gone. What cannot be a file, or does not fit, is named
// in the status and stops nothing else.
//
// Nothing of ours is inside the directory. Beside it are .staging, .status.json,
// and .ready, which is there from the first time on that everything was.
package mirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/time/rate"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket"
	"github.com/comfyui-studio/comfyui-studio/modelsync/disk"
)

// What stands beside the mirrored directory.
const (
	staging    = ".staging"
	readyFile  = ".ready"
	statusFile = ".status.json"
)

// Options say what to mirror, where, and how. The zero value of everything but
// Bucket, Client and Directory is what a node uses.
type Options struct {
	Bucket string
	Client *s3.Client
	// Directory is made equal to the bucket. What we need stands beside it.
	Directory string
	// Interval is how long the bucket is not looked at when nobody pokes.
	Interval time.Duration
	// Gap is how long at least lies between the beginnings of two passes, so that
	// a storm of pokes is a few passes.
	Gap time.Duration
	// Connections is how many requests may be under way at once.
	Connections int
	// RangeSize is how many bytes of a large file one request asks for. S3 counts
	// requests: large ranges let a large fleet boot.
	RangeSize int64
	// Buffer is how many bytes of memory each connection has. All that a mirror
	// needs is Connections times Buffer, and what it remembers of each key.
	Buffer int
	// Rate is how many bytes a second are copied at most once servers may run, which is
	// from the first complete pass on; 0 is no bound.
	Rate int64
	// Reserve is how much of the file system stays free, in percent. Images and
	// containers share it, and the kubelet throws images away when 85 % are used.
	Reserve int
	// LinkFrom is from which size on a file that may be there under another name is
	// looked for.
	LinkFrom int64
	// Order tells which keys are copied before others, and have the room where there
	// is not enough for all. It is asked with each listing; without it keys come by
	// name.
	Order func(ctx context.Context) ([]string, error)
	// Disk is what to write to, if it is not the folder of Directory.
	Disk disk.Disk
	Log  *slog.Logger
	// Report is called with every status worth telling, from one goroutine.
	Report func(Status)
}

// A Mirror mirrors one bucket into one directory.
type Mirror struct {
	options Options
	bucket  *bucket.Bucket
	disk    disk.Disk
	// limiter is nil without a bound.
	limiter *rate.Limiter
	// tree is the name of the mirrored directory on the disk.
	tree string
	log  *slog.Logger
	poke chan struct{}

	// passing is held by the one pass that there is.
	passing sync.Mutex
	// linking is held while a file gets another name and identity.
	linking sync.Mutex
	// remembered are objects that cannot be read, by key.
	remembered map[string]remembered
	// first are the keys that Order told last.
	first  []string
	passes int64
	state  state
}

// New prepares a mirror and makes its directory.
func New(o Options) (*Mirror, error) {
	if o.Bucket == "" || o.Client == nil || o.Directory == "" {
		return nil, errors.New("cannot mirror without a bucket, a client and a directory")
	}

	o = o.complete()

	limiter, err := newLimiter(o)
	if err != nil {
		return nil, err
	}

	base, tree := filepath.Split(filepath.Clean(o.Directory))
	if o.Disk == nil {
		d, err := disk.Open(base)
		if err != nil {
			return nil, err
		}

		o.Disk = d
	}

	m := &Mirror{
		options: o, bucket: bucket.New(o.Client, o.Bucket, o.Connections), disk: o.Disk, limiter: limiter, tree: tree,
		log: o.Log, poke: make(chan struct{}, 1), remembered: map[string]remembered{},
	}

	for _, folder := range []string{tree, staging} {
		if err := m.folder(folder); err != nil {
			return nil, fmt.Errorf("cannot make folder %s: %w", folder, err)
		}
	}

	return m, nil
}

func (o Options) complete() Options {
	o.Interval = cmp.Or(o.Interval, time.Minute)
	o.Gap = cmp.Or(o.Gap, time.Second)
	o.Connections = cmp.Or(o.Connections, 32)
	o.RangeSize = cmp.Or(o.RangeSize, 64<<20)
	o.Buffer = cmp.Or(o.Buffer, 512<<10)
	o.LinkFrom = cmp.Or(o.LinkFrom, 1<<20)
	o.Reserve = cmp.Or(o.Reserve, 15)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))

	if o.Report == nil {
		o.Report = func(Status) {}
	}

	return o
}
