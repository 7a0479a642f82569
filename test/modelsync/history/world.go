package history

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/comfyui-studio/comfyui-studio/modelsync/mirror"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/faults"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/fleet"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

const (
	// bucket is what is mirrored.
	bucket = "models"
	// rangeSize is small, so that files of a megabyte come in many ranges.
	rangeSize = 256 << 10
	// settleIn is how many passes it takes at most until nothing is wrong any more.
	// An object that could not be read is left alone for ten.
	settleIn = 13
)

// World is a bucket, what fails before it, and the nodes.
type World struct {
	Store    *store.Store
	Faults   *faults.Proxy
	Timeline *Timeline

	base     string
	interval time.Duration
	endpoint string
	http     *http.Transport
	stops    []func()

	chain   *Chain
	nodes   []*fleet.Node
	readers []*Reader
	judges  []*Judge
	joined  int

	mu sync.Mutex
	// moment is the time of writes. It stands still unless it is moved, so that
	// most writes fall into one second.
	moment time.Time
	seed   uint64
	first  []string
	onGet  map[string]*ambush
	onPage []func()
}

// NewWorld returns a world with an empty bucket and no nodes.
func NewWorld(interval time.Duration, pageSize int) (*World, error) {
	base, err := os.MkdirTemp(scratch(), "modelsync-")
	if err != nil {
		return nil, fmt.Errorf("cannot make a directory: %w", err)
	}

	w := &World{
		Store: store.New(), Timeline: NewTimeline(), base: base, interval: interval,
		moment: time.Now().Add(-time.Hour), onGet: map[string]*ambush{},
	}
	w.stops = append(w.stops, func() { _ = os.RemoveAll(base) })

	w.Store.Make(bucket)
	w.Store.PageSize = pageSize
	w.Store.Clock = w.now
	w.Store.OnChange = w.Timeline.Record
	w.Store.OnGet = w.get
	w.Store.OnPage = w.page

	return w, w.serve()
}

func (w *World) serve() error {
	upstream, stop, err := w.Store.Serve()
	if err != nil {
		return err
	}

	w.stops = append(w.stops, stop)

	if w.Faults, err = faults.New(upstream); err != nil {
		return err
	}

	if w.endpoint, stop, err = w.Faults.Serve(); err != nil {
		return err
	}

	w.http = &http.Transport{MaxIdleConnsPerHost: 64}
	w.stops = append(w.stops, stop, w.http.CloseIdleConnections)

	return nil
}

// scratch is where nodes have their disks: memory, where that can be.
func scratch() string {
	const memory = "/dev/shm"

	probe, err := os.CreateTemp(memory, "probe-")
	if err != nil {
		return ""
	}

	defer os.Remove(probe.Name())
	defer probe.Close()

	if setAttribute(probe) != nil {
		return ""
	}

	return memory
}

// Connect has the bucket's events tell the nodes. Those that join later are told,
// too.
func (w *World) Connect(c *Chain) {
	w.chain = c
	w.Store.OnChange = func(change store.Change) {
		w.Timeline.Record(change)
		c.Tell(change)
	}
}

// Nodes are all that ever joined.
func (w *World) Nodes() []*fleet.Node { return w.nodes }

// Reads is how many reads readers made.
func (w *World) Reads() int {
	all := 0

	for _, r := range w.readers {
		_, n := r.Violations()
		all += n
	}

	return all
}

// Close ends everything.
func (w *World) Close() {
	for _, r := range w.readers {
		r.Stop()
	}

	w.Faults.Quiet()

	var all sync.WaitGroup
	for _, n := range w.nodes {
		all.Go(func() { _ = n.Down() })
	}

	all.Wait()

	for _, stop := range slices.Backward(w.stops) {
		stop()
	}
}

// Join adds a node, and starts it.
func (w *World) Join() (*fleet.Node, error) {
	w.joined++

	judge := NewJudge(w.Timeline, w.http)

	n, err := fleet.NewNode(fmt.Sprintf("i-%03d", w.joined), w.base, mirror.Options{
		Bucket: bucket, Interval: w.interval, RangeSize: rangeSize, Connections: 8, Buffer: 32 << 10, Reserve: 1, Order: w.order,
		Client: store.Client(w.endpoint, func(o *s3.Options) { o.HTTPClient = &http.Client{Transport: judge} }),
	})
	if err != nil {
		return nil, err
	}

	judge.Watch(n)

	w.judges = append(w.judges, judge)
	w.nodes = append(w.nodes, n)
	w.readers = append(w.readers, Read(n, w.Timeline))

	if w.chain != nil {
		w.chain.Register(n)
	}

	return n, n.Up()
}

// Declare says which keys nodes copy first.
func (w *World) Declare(first ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()

	w.first = first
}

func (w *World) order(context.Context) ([]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()

	return w.first, nil
}

// Violations are what readers saw and must not see, and deletes without proof.
func (w *World) Violations() string {
	var all []string

	for _, r := range w.readers {
		v, _ := r.Violations()
		all = append(all, v...)
	}

	for _, j := range w.judges {
		all = append(all, j.Violations()...)
	}

	return strings.Join(all, "\n")
}

// Settle ends all that fails and tells what is not as it shall be then.
func (w *World) Settle() string {
	w.Faults.Quiet()
	w.Store.SlowDown(0)
	w.Store.Unlist(bucket, false)
	w.Store.Permit(bucket)

	w.mu.Lock()
	w.onGet, w.onPage = map[string]*ambush{}, nil
	w.mu.Unlock()

	wrong := make([]string, len(w.nodes))
	objects := func() []*store.Object { return w.Store.Objects(bucket) }

	var all sync.WaitGroup

	for i, n := range w.nodes {
		n.Disk.Grow()

		if n.IsUp() {
			all.Go(func() {
				for _, d := range n.Settle(context.Background(), settleIn, objects) {
					wrong[i] += n.Name + ": " + d + "\n"
				}
			})
		}
	}

	all.Wait()

	return strings.Join(wrong, "") + w.Violations()
}
