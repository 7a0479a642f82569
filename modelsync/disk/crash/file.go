package crash

import (
	"io"
	"slices"
)

// A file has what is seen of it and what lasts.
type file struct {
	seen, lasting content
	// written and tagged say in what they differ. Bytes that last are not lost again
	// by a tag that does not.
	written, tagged bool
}

type content struct {
	data     []byte
	tag      string
	modified int64
}

// open is a file that is open.
type open struct {
	disk *Disk
	file *file
}

// ReadAt implements disk.File.
func (o *open) ReadAt(b []byte, at int64) (int, error) {
	o.disk.mu.Lock()
	defer o.disk.mu.Unlock()

	if at >= int64(len(o.file.seen.data)) {
		return 0, io.EOF
	}

	n := copy(b, o.file.seen.data[at:])
	if n < len(b) {
		return n, io.EOF
	}

	return n, nil
}

// WriteAt implements disk.File.
func (o *open) WriteAt(b []byte, at int64) (int, error) {
	o.disk.mu.Lock()
	defer o.disk.mu.Unlock()

	c := &o.file.seen
	// What a crash leaves shares bytes with what was.
	c.data = slices.Clone(c.data)
	if need := int(at) + len(b); need > len(c.data) {
		c.data = append(c.data, make([]byte, need-len(c.data))...)
	}

	copy(c.data[at:], b)

	o.disk.clock++
	c.modified = o.disk.clock
	o.file.written = true
	o.disk.changed()

	return len(b), nil
}

// WriteBack implements disk.File. It promises nothing.
func (o *open) WriteBack(int64, int64) error { return nil }

// Modified implements disk.File.
func (o *open) Modified() (int64, error) {
	o.disk.mu.Lock()
	defer o.disk.mu.Unlock()

	return o.file.seen.modified, nil
}

// SetTag implements disk.File.
func (o *open) SetTag(tag string) error {
	o.disk.mu.Lock()
	defer o.disk.mu.Unlock()

	o.file.seen.tag = tag
	o.file.tagged = true
	o.disk.changed()

	return nil
}

// Sync implements disk.File.
func (o *open) Sync() error {
	o.disk.mu.Lock()
	defer o.disk.mu.Unlock()

	o.file.sync()
	o.disk.changed()

	return nil
}

// Close implements disk.File.
func (o *open) Close() error { return nil }

func (f *file) sync() { f.lasting, f.written, f.tagged = f.seen, false, false }

// files are all that can be reached.
func (d *Disk) files() []*file {
	var out []*file

	for _, root := range []*node{d.root, d.lasting} {
		root.visit("", func(_ string, n *node) { out = append(out, n.file) })
	}

	return out
}
