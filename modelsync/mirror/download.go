package mirror

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"path"
	"sync/atomic"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket"
	"github.com/comfyui-studio/comfyui-studio/modelsync/checksum"
	"github.com/comfyui-studio/comfyui-studio/modelsync/disk"
)

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

	d.file = f.watched(ctx, d.file)

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
