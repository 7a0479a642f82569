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
	"io/fs"
	"maps"
	"path"
	"slices"
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

// New makes an empty disk. Each is called after every change, if it is not nil.
func New(each func(*Disk)) *Disk {
	return &Disk{root: newFolder(), lasting: newFolder(), room: disk.Space{Total: 1 << 40, Free: 1 << 39}, each: each}
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
	return d.name(from, to, take(from), func(there *node) bool { return there.kind != disk.Folder })
}

// Link implements disk.Disk.
func (d *Disk) Link(from, to string) error {
	return d.name(from, to, func(*node) {}, func(*node) bool { return false })
}

// name gives a file another name, over what stands there if that may go.
func (d *Disk) name(from, to string, and func(root *node), over func(there *node) bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()

	n, err := d.root.find(from)
	if err != nil {
		return err
	}

	if _, err := d.root.folder(to); err != nil {
		return err
	}

	if there, err := d.root.find(to); err == nil && !over(there) {
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
