// Package crash is a disk in memory that knows what each crash could leave of it.
//
// It holds with the least that POSIX promises. What is written is seen at once; it
// lasts only when it is synced. Until then, the bytes of a file may be lost, or be
// zeros under the right size and tag; a change of names may be lost, whatever came
// before and after it. A rename is one change: no file system of today tears one.
// Syncing a file says nothing of its name, and syncing a folder nothing of what the
// names in it stand for.
package crash

import (
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/comfyui-studio/comfyui-studio/modelsync/disk"
)

// A Disk is a file system in memory.
type Disk struct {
	mu      sync.Mutex
	root    *node
	lasting *node
	pending []change
	clock   int64
	locked  bool
	room    disk.Space
	each    func(*Disk)
}

// A node is a file or a folder. A folder of what lasts and its namesake of what is
// seen are two nodes; a file is one.
type node struct {
	kind    disk.Kind
	entries map[string]*node
	file    *file
}

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

// A change is of names, and may or may not survive.
type change struct {
	// folders are those that it is about.
	folders []string
	apply   func(root *node)
	// synced says that it lasts as soon as its folders do.
	synced bool
}

// New makes an empty disk. Each is called after every change, if it is not nil.
func New(each func(*Disk)) *Disk {
	return &Disk{root: newFolder(), lasting: newFolder(), room: disk.Space{Total: 1 << 40, Free: 1 << 39}, each: each}
}

func newFolder() *node { return &node{kind: disk.Folder, entries: map[string]*node{}} }

// find walks down to a name.
func (n *node) find(name string) (*node, error) {
	if name == "." {
		return n, nil
	}

	for segment := range strings.SplitSeq(name, "/") {
		if n.kind != disk.Folder {
			return nil, fs.ErrNotExist
		}

		next, ok := n.entries[segment]
		if !ok {
			return nil, fs.ErrNotExist
		}

		n = next
	}

	return n, nil
}

// folder finds the folder that a name is in.
func (n *node) folder(name string) (*node, error) {
	f, err := n.find(path.Dir(name))
	if err != nil || f.kind != disk.Folder {
		return nil, fs.ErrNotExist
	}

	return f, nil
}

// change makes a change of names, which does not last yet.
func (d *Disk) change(folders []string, apply func(root *node)) {
	apply(d.root)
	d.pending = append(d.pending, change{folders: folders, apply: apply})
	d.changed()
}

// changed tells. The lock is held.
func (d *Disk) changed() {
	if d.each != nil {
		d.each(d)
	}
}

// Lock implements disk.Disk.
func (d *Disk) Lock() (func(), error) {
	d.mu.Lock()
	defer d.mu.Unlock()

	if d.locked {
		return nil, disk.ErrLocked
	}

	d.locked = true

	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()

		d.locked = false
	}, nil
}

// List implements disk.Disk.
func (d *Disk) List(folder string) ([]disk.Entry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()

	n, err := d.root.find(folder)
	if err != nil {
		return nil, err
	}

	var out []disk.Entry
	for _, name := range slices.Sorted(maps.Keys(n.entries)) {
		out = append(out, n.entries[name].entry(name))
	}

	return out, nil
}

func (n *node) entry(name string) disk.Entry {
	e := disk.Entry{Name: name, Kind: n.kind}
	if n.file != nil {
		e.Size, e.Modified, e.Tag = int64(len(n.file.seen.data)), n.file.seen.modified, n.file.seen.tag
	}

	return e
}

// Stat implements disk.Disk.
func (d *Disk) Stat(name string) (disk.Entry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()

	n, err := d.root.find(name)
	if err != nil {
		return disk.Entry{}, err
	}

	return n.entry(path.Base(name)), nil
}

// Create implements disk.Disk.
func (d *Disk) Create(name string, size int64) (disk.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()

	folder, err := d.root.folder(name)
	if err != nil {
		return nil, err
	}

	if _, ok := folder.entries[path.Base(name)]; ok {
		return nil, fs.ErrExist
	}

	n := &node{kind: disk.Regular, file: &file{written: true, seen: content{data: make([]byte, size)}}}
	d.change([]string{path.Dir(name)}, put(name, n))

	return &open{disk: d, file: n.file}, nil
}

// Open implements disk.Disk.
func (d *Disk) Open(name string) (disk.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()

	n, err := d.root.find(name)
	if err != nil {
		return nil, err
	}

	return &open{disk: d, file: n.file}, nil
}

// MakeFolder implements disk.Disk.
func (d *Disk) MakeFolder(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()

	folder, err := d.root.folder(name)
	if err != nil {
		return err
	}

	if _, ok := folder.entries[path.Base(name)]; ok {
		return fs.ErrExist
	}

	d.change([]string{path.Dir(name)}, func(root *node) { put(name, newFolder())(root) })

	return nil
}

// Rename implements disk.Disk.
func (d *Disk) Rename(from, to string) error {
	return d.name(from, to, func(root *node) { take(from)(root) })
}

// Link implements disk.Disk.
func (d *Disk) Link(from, to string) error {
	d.mu.Lock()

	if _, err := d.root.find(to); err == nil {
		d.mu.Unlock()
		return fs.ErrExist
	}

	d.mu.Unlock()

	return d.name(from, to, func(*node) {})
}

// name gives a file another name.
func (d *Disk) name(from, to string, and func(root *node)) error {
	d.mu.Lock()
	defer d.mu.Unlock()

	n, err := d.root.find(from)
	if err != nil {
		return err
	}

	if _, err := d.root.folder(to); err != nil {
		return err
	}

	if there, err := d.root.find(to); err == nil && there.kind == disk.Folder {
		return fs.ErrExist
	}

	d.change([]string{path.Dir(from), path.Dir(to)}, func(root *node) {
		and(root)
		put(to, n)(root)
	})

	return nil
}

// Remove implements disk.Disk.
func (d *Disk) Remove(name string) error { return d.remove(name, disk.Regular) }

// RemoveFolder implements disk.Disk.
func (d *Disk) RemoveFolder(name string) error { return d.remove(name, disk.Folder) }

func (d *Disk) remove(name string, kind disk.Kind) error {
	d.mu.Lock()
	defer d.mu.Unlock()

	n, err := d.root.find(name)
	if err != nil {
		return err
	}

	if n.kind != kind || len(n.entries) > 0 {
		return fs.ErrInvalid
	}

	d.change([]string{path.Dir(name)}, take(name))

	return nil
}

// SyncFolder implements disk.Disk.
func (d *Disk) SyncFolder(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()

	if _, err := d.root.find(name); err != nil {
		return err
	}

	d.last(func(c change) bool { return slices.Contains(c.folders, name) })
	d.changed()

	return nil
}

// SyncAll implements disk.Disk.
func (d *Disk) SyncAll() error {
	d.mu.Lock()
	defer d.mu.Unlock()

	d.last(func(change) bool { return true })

	for _, f := range d.files() {
		f.sync()
	}

	d.changed()

	return nil
}

// Space implements disk.Disk.
func (d *Disk) Space() (disk.Space, error) { return d.room, nil }

// last makes some of the pending changes last. What happened in a folder that does
// not last itself waits for it.
func (d *Disk) last(which func(change) bool) {
	for i := range d.pending {
		d.pending[i].synced = d.pending[i].synced || which(d.pending[i])
	}

	for again := true; again; {
		again = false

		var rest []change

		for _, c := range d.pending {
			if c.synced && d.lasts(c.folders) {
				c.apply(d.lasting)

				again = true
			} else {
				rest = append(rest, c)
			}
		}

		d.pending = rest
	}
}

func (d *Disk) lasts(folders []string) bool {
	return !slices.ContainsFunc(folders, func(f string) bool {
		_, err := d.lasting.find(f)
		return err != nil
	})
}

// put and take change a name where its folder is there: a crash may have lost it.
func put(name string, n *node) func(*node) {
	return func(root *node) {
		if f, err := root.folder(name); err == nil {
			f.entries[path.Base(name)] = n
		}
	}
}

func take(name string) func(*node) {
	return func(root *node) {
		if f, err := root.folder(name); err == nil {
			delete(f.entries, path.Base(name))
		}
	}
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

// visit visits files in the order of their names.
func (n *node) visit(at string, do func(name string, n *node)) {
	if n.kind == disk.Regular {
		do(at, n)
		return
	}

	for _, name := range slices.Sorted(maps.Keys(n.entries)) {
		n.entries[name].visit(path.Join(at, name), do)
	}
}
