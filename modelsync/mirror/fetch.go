package mirror

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket"
	"github.com/comfyui-studio/comfyui-studio/modelsync/checksum"
	"github.com/comfyui-studio/comfyui-studio/modelsync/disk"
)

// lookAhead is how many large objects are asked for their checksums before it is
// their turn.
const lookAhead = 8

// A fetch copies objects with all connections. Tasks are ranges of large objects
// and whole small ones, in the order of the objects.
type fetch struct {
	m     *Mirror
	t     *tally
	tasks chan func(buffer []byte)
	done  chan staged
}

// fetch copies objects and brings them in.
func (m *Mirror) fetch(ctx context.Context, objects []bucket.Object, t *tally) {
	if len(objects) == 0 {
		return
	}

	f := &fetch{m: m, t: t, tasks: make(chan func([]byte)), done: make(chan staged, batch)}

	var workers, committer sync.WaitGroup

	for range min(m.options.Connections, m.tasks(objects)) {
		workers.Go(f.work)
	}

	committer.Go(func() { m.commit(ctx, f.done, t) })

	f.dispatch(ctx, objects)
	close(f.tasks)
	workers.Wait()
	close(f.done)
	committer.Wait()
}

// tasks is how many there are, at least.
func (m *Mirror) tasks(objects []bucket.Object) int {
	n := 0
	for _, o := range objects {
		n += 1 + int(o.Size/m.options.RangeSize)
	}

	return n
}

// work carries out tasks. The buffer is all the memory that a connection needs.
func (f *fetch) work() {
	var buffer []byte

	for task := range f.tasks {
		if buffer == nil {
			buffer = make([]byte, f.m.options.Buffer)
		}

		began := time.Now()

		task(buffer)
		since(&f.t.meter.busy, began)
	}
}

// dispatch hands out tasks.
func (f *fetch) dispatch(ctx context.Context, objects []bucket.Object) {
	var large []bucket.Object

	for _, o := range objects {
		if o.Size > f.m.options.RangeSize {
			large = append(large, o)
		}
	}

	// Nobody takes what is left when this ends early.
	within, cancel := context.WithCancel(ctx)
	defer cancel()

	heads := f.heads(within, large)

	for _, o := range objects {
		if ctx.Err() != nil {
			return
		}

		if o.Size <= f.m.options.RangeSize {
			f.tasks <- func(buffer []byte) { f.small(ctx, o, buffer) }
			continue
		}

		one, more := <-heads
		if !more {
			return
		}

		h := <-one
		if h.err != nil {
			f.t.settle(o, false, h.err)
			continue
		}

		// The newest version there is: it may have been replaced since the listing.
		if h.head.Size <= f.m.options.RangeSize {
			f.tasks <- func(buffer []byte) { f.small(ctx, h.head.Object, buffer) }
			continue
		}

		f.large(ctx, h.head)
	}
}

type headed struct {
	head bucket.Head
	err  error
}

// heads asks for the heads of objects, a few ahead of who takes them, in order.
func (f *fetch) heads(ctx context.Context, objects []bucket.Object) <-chan chan headed {
	out := make(chan chan headed, lookAhead)

	go func() {
		defer close(out)

		for _, o := range objects {
			one := make(chan headed, 1)

			select {
			case out <- one:
			case <-ctx.Done():
				return
			}

			go func() {
				h, err := f.m.bucket.Head(ctx, o.Key)
				one <- headed{head: h, err: err}
			}()
		}
	}()

	return out
}

// small copies an object by one request.
func (f *fetch) small(ctx context.Context, o bucket.Object, buffer []byte) {
	name := stagingName(o.Key)

	file, err := f.m.stage(name, o.Size)
	if err != nil {
		f.t.settle(o, false, err)
		return
	}

	file = metered{file, &f.t.meter}

	head, sum, err := f.m.bucket.Whole(ctx, o, file, buffer)
	if err == nil {
		err = f.m.verify(ctx, file, head, sum, buffer)
	}

	if err == nil {
		err = mark(file, o, sum)
	}

	if err != nil {
		f.m.discard(name, file)
		f.t.settle(o, false, err)

		return
	}

	f.done <- staged{object: o, name: name, file: file}
}

// A download is a large object on its way.
type download struct {
	head bucket.Head
	name string
	file disk.File
	// by is the algorithm of the ranges' sums.
	by   checksum.Algorithm
	sums []checksum.Sum
	left atomic.Int64
	// failed is the first thing that went wrong.
	failed atomic.Pointer[error]
}

// large hands out the ranges of an object.
func (f *fetch) large(ctx context.Context, head bucket.Head) {
	size, step := head.Size, f.m.options.RangeSize
	d := &download{head: head, name: stagingName(head.Key), by: checksum.CRC64NVME, sums: make([]checksum.Sum, (size+step-1)/step)}

	if a := head.Sum.Algorithm; !head.Sum.None() && a.Combines() {
		d.by = a
	}

	d.left.Store(int64(len(d.sums)))

	var err error
	if d.file, err = f.m.stage(d.name, size); err != nil {
		f.t.settle(head.Object, false, err)
		return
	}

	d.file = metered{d.file, &f.t.meter}

	for i := range d.sums {
		f.tasks <- func(buffer []byte) {
			if err := f.part(ctx, d, i, buffer); err != nil {
				d.failed.CompareAndSwap(nil, &err)
			}

			if d.left.Add(-1) == 0 {
				f.finish(ctx, d, buffer)
			}
		}
	}
}

// part copies one range.
func (f *fetch) part(ctx context.Context, d *download, i int, buffer []byte) error {
	if d.failed.Load() != nil {
		return nil
	}

	first := int64(i) * f.m.options.RangeSize
	end := min(first+f.m.options.RangeSize, d.head.Size)
	sum := d.by.New()

	if err := f.m.bucket.Range(ctx, d.head.Object, first, end, d.file, sum, buffer); err != nil {
		return err
	}

	d.sums[i] = checksum.Sum{Algorithm: d.by, Value: sum.Sum(nil)}

	return d.file.WriteBack(first, end-first)
}

// finish checks and syncs what is all there.
func (f *fetch) finish(ctx context.Context, d *download, buffer []byte) {
	err := f.whole(ctx, d, buffer)
	if err != nil {
		f.m.discard(d.name, d.file)
		f.t.settle(d.head.Object, false, err)

		return
	}

	f.done <- staged{object: d.head.Object, name: d.name, file: d.file, synced: true}
}

func (f *fetch) whole(ctx context.Context, d *download, buffer []byte) error {
	if failed := d.failed.Load(); failed != nil {
		return *failed
	}

	sum := d.sums[0]
	for i, s := range d.sums[1:] {
		first := int64(i+1) * f.m.options.RangeSize
		sum = checksum.Combine(sum, s, min(f.m.options.RangeSize, d.head.Size-first))
	}

	if err := f.m.verify(ctx, d.file, d.head, sum, buffer); err != nil {
		return err
	}

	if err := mark(d.file, d.head.Object, sum); err != nil {
		return err
	}

	return d.file.Sync()
}

// mark puts the identity on a file that will not be written to any more.
func mark(file disk.File, o bucket.Object, sum checksum.Sum) error {
	modified, err := file.Modified()
	if err != nil {
		return err
	}

	return file.SetTag(identity{modified: modified, size: o.Size, sum: sum, tags: []string{o.ETag}}.text())
}

// stagingName is the same for the same key, and short enough for any.
func stagingName(k string) string {
	h := sha256.Sum256([]byte(k))
	return path.Join(staging, hex.EncodeToString(h[:16]))
}

// stage makes a file beside the directory. One that a pass before left behind makes
// way.
func (m *Mirror) stage(name string, size int64) (disk.File, error) {
	f, err := m.disk.Create(name, size)
	if !errors.Is(err, fs.ErrExist) {
		return f, err
	}

	if err := m.disk.Remove(name); err != nil {
		return nil, err
	}

	return m.disk.Create(name, size)
}

// discard takes a file away that did not become whole.
func (m *Mirror) discard(name string, file disk.File) {
	if err := errors.Join(file.Close(), m.disk.Remove(name)); err != nil {
		m.log.Warn("cannot discard what was not finished", "error", err)
	}
}
