package crash

import (
	"path"
	"slices"
)

// A change is of names, and may or may not survive.
type change struct {
	// folders are those that it is about.
	folders []string
	apply   func(root *node)
	// synced says that it lasts as soon as its folders do.
	synced bool
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
