package history

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/fleet"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

const (
	// wholeUpTo is how large a file may be to be read whole each time. Of a larger
	// one, places all over it are read: the seed is in every page.
	wholeUpTo = 4 << 20
	// places is how many.
	places = 16
	// pause is between two rounds over all names: there are two processors.
	pause = 2 * time.Millisecond
)

// Reader reads all names of one node, over and over, as ComfyUI might.
type Reader struct {
	tree     string
	name     string
	timeline *Timeline

	stop chan struct{}
	done sync.WaitGroup

	mu sync.Mutex
	// seen is the last version of each key that was read.
	seen       map[string]int
	violations []string
	reads      int
}

// Read begins to read a node.
func Read(n *fleet.Node, t *Timeline) *Reader {
	r := &Reader{tree: n.Tree, name: n.Name, timeline: t, stop: make(chan struct{}), seen: map[string]int{}}

	r.done.Go(func() {
		for {
			r.round()

			select {
			case <-r.stop:
				return
			case <-time.After(pause):
			}
		}
	})

	return r
}

// Stop ends the reading, after one more round.
func (r *Reader) Stop() {
	close(r.stop)
	r.done.Wait()
	r.round()
}

// Violations are what no reader may ever see, and the number of reads so far.
func (r *Reader) Violations() ([]string, int) {
	r.mu.Lock()
	defer r.mu.Unlock()

	return r.violations, r.reads
}

func (r *Reader) round() {
	for _, key := range r.timeline.Keys() {
		if !fleet.Legal(key) {
			// It must not be there at all; the comparison of directories sees that.
			continue
		}

		violation := r.read(key)

		r.mu.Lock()
		r.reads++

		if violation != "" {
			r.violations = append(r.violations, fmt.Sprintf("%s: %q %s", r.name, key, violation))
		}
		r.mu.Unlock()
	}
}

func (r *Reader) read(key string) string {
	before, known := r.seen[key]

	f, err := os.Open(filepath.Join(r.tree, key))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return r.missing(key, before, known)
	}

	if err != nil {
		return "cannot be opened: " + err.Error()
	}
	defer f.Close()

	info, err := f.Stat()
	if err != nil {
		return "cannot be looked at: " + err.Error()
	}

	if info.IsDir() {
		return r.missing(key, before, known)
	}

	var head [store.MinSeeded]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return fmt.Sprintf("has %d bytes, which is no version's size", info.Size())
	}

	place, content := r.timeline.find(key, store.SeedIn(head[:]), info.Size())
	if content == nil {
		return fmt.Sprintf("has %d bytes that begin as seed %d, and no version does", info.Size(), store.SeedIn(head[:]))
	}

	if known && place < before {
		return fmt.Sprintf("is version %d after version %d was there", place, before)
	}

	r.seen[key] = place

	return mixed(f, content)
}

func (r *Reader) missing(key string, before int, known bool) string {
	if known && !r.timeline.goneSince(key, before) {
		return fmt.Sprintf("is missing though its object was there all the time since version %d", before)
	}

	return ""
}

// mixed tells where a file is not what it began as.
func mixed(f io.ReaderAt, want store.Content) string {
	size := want.Size()

	step, length := size, size
	if size > wholeUpTo {
		step, length = size/places, 4096
	}

	got, expected := make([]byte, length), make([]byte, length)

	for off := int64(0); off < size; off += step {
		n := min(length, size-off)
		if _, err := f.ReadAt(got[:n], off); err != nil && !errors.Is(err, io.EOF) {
			return "cannot be read: " + err.Error()
		}

		if _, err := want.ReadAt(expected[:n], off); err != nil && !errors.Is(err, io.EOF) {
			return err.Error()
		}

		if !bytes.Equal(got[:n], expected[:n]) {
			return fmt.Sprintf("is not one whole version: behind %d there are other bytes", off)
		}
	}

	return ""
}
