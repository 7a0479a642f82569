package crash

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/comfyui-studio/comfyui-studio/modelsync/disk"
)

// A node is a file or a folder. A folder of what lasts and its namesake of what is
// seen are two nodes; a file is one.
type node struct {
	kind    disk.Kind
	entries map[string]*node
	file    *file
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

func (n *node) entry(name string) disk.Entry {
	e := disk.Entry{Name: name, Kind: n.kind}
	if n.file != nil {
		e.Size, e.Modified, e.Tag = int64(len(n.file.seen.data)), n.file.seen.modified, n.file.seen.tag
	}

	return e
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
