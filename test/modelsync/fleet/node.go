// Package fleet is a number of nodes: directories, each with the real mirror at
// work on it, and what judges them.
package fleet

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/comfyui-studio/comfyui-studio/modelsync/disk"
	"github.com/comfyui-studio/comfyui-studio/modelsync/mirror"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

// gap is how close two passes are. A node waits longer; a test has no time.
const gap = time.Millisecond

// Node is one node.
type Node struct {
	Name string
	// Tree is the mirrored directory.
	Tree string
	// Disk can be made small.
	Disk *Disk

	options mirror.Options

	mu     sync.Mutex
	mirror *mirror.Mirror
	cancel context.CancelFunc
	done   chan error
}

// NewNode returns a node that is down, with a directory of its own below base.
func NewNode(name, base string, o mirror.Options) (*Node, error) {
	n := &Node{Name: name, Tree: filepath.Join(base, name, "models"), options: o}

	d, err := disk.Open(filepath.Join(base, name))
	if err != nil {
		return nil, fmt.Errorf("cannot open the disk of %s: %w", name, err)
	}

	n.Disk = &Disk{Disk: d}
	n.options.Directory, n.options.Disk = n.Tree, n.Disk

	if o.Gap == 0 {
		n.options.Gap = gap
	}

	return n, nil
}

// Up starts the daemon, on whatever is in the directory.
func (n *Node) Up() error {
	n.mu.Lock()
	defer n.mu.Unlock()

	if n.cancel != nil {
		return nil
	}

	m, err := mirror.New(n.options)
	if err != nil {
		return fmt.Errorf("cannot start %s: %w", n.Name, err)
	}

	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)

	go func() { done <- m.Run(ctx) }()

	n.mirror, n.cancel, n.done = m, cancel, done

	return nil
}

// Down ends the daemon wherever it is. The directory stays.
func (n *Node) Down() error {
	n.mu.Lock()
	defer n.mu.Unlock()

	if n.cancel == nil {
		return nil
	}

	n.cancel()
	err := <-n.done
	n.cancel, n.mirror = nil, nil

	return err
}

// IsUp tells whether the daemon runs.
func (n *Node) IsUp() bool {
	n.mu.Lock()
	defer n.mu.Unlock()

	return n.mirror != nil
}

// Poke is what the document does on a node. On one whose daemon is down it fails,
// as systemctl kill does.
func (n *Node) Poke() error {
	n.mu.Lock()
	defer n.mu.Unlock()

	if n.mirror == nil {
		return fmt.Errorf("the daemon of %s is down", n.Name)
	}

	n.mirror.Poke()

	return nil
}

// Status is what the daemon says of itself.
func (n *Node) Status() mirror.Status {
	n.mu.Lock()
	defer n.mu.Unlock()

	if n.mirror == nil {
		return mirror.Status{}
	}

	return n.mirror.Status()
}

// Settle makes passes until the directory is what it shall be, and tells how it
// differs if it is not after so many. It is for when nothing fails any more: a
// few passes are all that it takes, and no time is measured.
func (n *Node) Settle(ctx context.Context, passes int, objects func() []*store.Object) []string {
	n.mu.Lock()
	m := n.mirror
	n.mu.Unlock()

	var differences []string

	for range passes {
		err := m.Pass(ctx)

		if differences = Compare(n.Tree, Expect(objects())); err != nil {
			differences = append(differences, fmt.Sprintf("the pass failed: %v", err))
		}

		if len(differences) == 0 {
			return nil
		}
	}

	return differences
}
