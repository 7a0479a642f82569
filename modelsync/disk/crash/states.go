package crash

import (
	"hash/maphash"
	"slices"
	"strings"

	"github.com/comfyui-studio/comfyui-studio/modelsync/disk"
)

// mostSubsets bounds for how many pending changes of names every subset is tried:
// beyond, every beginning of them and all but each one.
const mostSubsets = 5

// States are the disks that a crash now could leave. Which bytes of files survive
// matters only below folder and for names that are given: files elsewhere keep
// what is seen of them. It is called by what New was given.
func (d *Disk) States(folder string, names ...string) []*Disk {
	var out []*Disk

	for _, survived := range subsets(len(d.pending)) {
		root := d.lasting.clone(map[*file]*file{})

		for i, c := range d.pending {
			if survived[i] {
				// Files of what is tried are others than ours, by clone below.
				c.apply(root)
			}
		}

		out = append(out, d.contents(root, func(name string) bool {
			return strings.HasPrefix(name, folder+"/") || slices.Contains(names, name)
		})...)
	}

	return out
}

// Seen is what the disk is if nothing is lost.
func (d *Disk) Seen() *Disk { return d.frozen(d.root, nil) }

// subsets are which of n changes survive.
func subsets(n int) [][]bool {
	var out [][]bool

	if n <= mostSubsets {
		for bits := range 1 << n {
			one := make([]bool, n)
			for i := range one {
				one[i] = bits>>i&1 == 1
			}

			out = append(out, one)
		}

		return out
	}

	for end := range n + 1 {
		one := make([]bool, n)
		for i := range end {
			one[i] = true
		}

		out = append(out, one)
	}

	for lost := range n {
		one := make([]bool, n)
		for i := range one {
			one[i] = i != lost
		}

		out = append(out, one)
	}

	return out
}

// contents are the disks with every choice of what is left of files that are not
// synced.
func (d *Disk) contents(root *node, matters func(name string) bool) []*Disk {
	var dirty []*file

	root.visit("", func(name string, n *node) {
		if (n.file.written || n.file.tagged) && matters(name) && !slices.Contains(dirty, n.file) {
			dirty = append(dirty, n.file)
		}
	})

	// One file at a time: no file's bytes say anything of another's.
	out := []*Disk{d.frozen(root, nil)}

	for _, f := range dirty {
		for _, left := range f.left() {
			out = append(out, d.frozen(root, map[*file]content{f: left}))
		}
	}

	return out
}

// left is what a crash may leave of a file that is not synced: all, nothing, its
// size and tag with zeros for bytes, and half of them. All is what the others have.
func (f *file) left() []content {
	if !f.written {
		return []content{f.lasting}
	}

	zeros, half := f.seen, f.seen
	zeros.data = make([]byte, len(f.seen.data))
	half.data = slices.Clone(f.seen.data)
	clear(half.data[len(half.data)/2:])

	return []content{f.lasting, zeros, half}
}

// frozen is a disk of its own with what is left of files.
func (d *Disk) frozen(root *node, left map[*file]content) *Disk {
	files := map[*file]*file{}

	root.visit("", func(_ string, n *node) {
		c, chosen := left[n.file]
		if !chosen {
			c = n.file.seen
		}

		files[n.file] = &file{seen: c, lasting: c}
	})

	return &Disk{root: root.clone(files), lasting: root.clone(files), clock: d.clock, room: d.room}
}

// clone copies folders, and files into those given. Others are shared.
func (n *node) clone(files map[*file]*file) *node {
	if n.kind == disk.Regular {
		if f, ok := files[n.file]; ok {
			return &node{kind: n.kind, file: f}
		}

		return n
	}

	out := newFolder()
	for name, e := range n.entries {
		out.entries[name] = e.clone(files)
	}

	return out
}

// Files are the contents of all files, by name.
func (d *Disk) Files() map[string]string {
	out := map[string]string{}
	d.root.visit("", func(name string, n *node) { out[name] = string(n.file.seen.data) })

	return out
}

// Watch has each called after every change from now on.
func (d *Disk) Watch(each func(*Disk)) {
	d.mu.Lock()
	defer d.mu.Unlock()

	d.each = each
}

// Sum is the same for disks that cannot be told apart by their files and tags.
func (d *Disk) Sum(seed maphash.Seed) uint64 {
	var h maphash.Hash

	h.SetSeed(seed)

	d.root.visit("", func(name string, n *node) {
		_, _ = h.WriteString(name + "\x00" + n.file.seen.tag + "\x00")
		_, _ = h.Write(n.file.seen.data)
		_ = h.WriteByte(0)
	})

	return h.Sum64()
}
