package mirror

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket"
	"github.com/comfyui-studio/comfyui-studio/modelsync/disk"
	"github.com/comfyui-studio/comfyui-studio/modelsync/key"
)

const (
	// batch is how many small files are made to last by one sync.
	batch = 256
	// few is up to how many are synced one by one: a sync of everything waits for
	// what others write, too.
	few = 8
	// batchFor is how long a file waits for others of its batch.
	batchFor = 500 * time.Millisecond
)

// A staged is a file that is whole and not in the directory yet.
type staged struct {
	object bucket.Object
	name   string
	file   disk.File
	synced bool
}

// commit brings files in as they come: large ones at once, small ones in batches.
func (m *Mirror) commit(ctx context.Context, done <-chan staged, t *tally) {
	var waiting []staged

	ticks := time.NewTicker(batchFor)
	defer ticks.Stop()

	for {
		select {
		case s, more := <-done:
			switch {
			case !more:
				m.bringIn(ctx, waiting, t)
				return
			case s.synced:
				m.bringIn(ctx, []staged{s}, t)
			default:
				if waiting = append(waiting, s); len(waiting) == batch {
					m.bringIn(ctx, waiting, t)
					waiting = nil
				}
			}
		case <-ticks.C:
			m.bringIn(ctx, waiting, t)
			waiting = nil
		}
	}
}

// bringIn renames files into their places. Their bytes last before their names do:
// a name that survives a crash without them would be a broken model.
func (m *Mirror) bringIn(ctx context.Context, files []staged, t *tally) {
	if len(files) == 0 {
		return
	}

	all := m.syncStaged(files)
	folders := map[string]bool{}

	for _, s := range files {
		err := all
		replaced := false

		if err == nil {
			replaced, err = m.place(ctx, s.name, s.object.Key, folders)
		}

		if err != nil {
			m.discard(s.name, s.file)
			t.settle(s.object, false, err)

			continue
		}

		_ = s.file.Close() // It is synced, so this has nothing left to say.

		t.settle(s.object, replaced, nil)
	}

	for folder := range folders {
		if err := m.disk.SyncFolder(folder); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.fail(fmt.Errorf("cannot sync folder %q: %w", folder, err))
		}
	}
}

func (m *Mirror) syncStaged(files []staged) error {
	var open []staged

	for _, s := range files {
		if !s.synced {
			open = append(open, s)
		}
	}

	if len(open) > few {
		return m.disk.SyncAll()
	}

	for _, s := range open {
		if err := s.file.Sync(); err != nil {
			return err
		}
	}

	return nil
}

// place renames a staged file to its key's place. It notes the folders that must
// be synced, and says whether a file was there.
func (m *Mirror) place(ctx context.Context, from, k string, folders map[string]bool) (bool, error) {
	for _, folder := range key.Folders(k) {
		made, err := m.makeWay(ctx, folder)
		if err != nil {
			return false, err
		}

		if made {
			folders[path.Dir(path.Join(m.tree, folder))] = true
		}
	}

	to := path.Join(m.tree, k)

	e, err := m.disk.Stat(to)

	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return false, err
	case e.Kind == disk.Folder:
		if err := m.removeFolder(ctx, k); err != nil {
			return false, err
		}
	}

	folders[path.Dir(to)] = true

	return err == nil && e.Kind == disk.Regular, m.disk.Rename(from, to)
}

// makeWay makes a folder of the directory. What stands in its place is not a
// folder any more in the bucket, or loses against it.
func (m *Mirror) makeWay(ctx context.Context, folder string) (bool, error) {
	name := path.Join(m.tree, folder)

	err := m.disk.MakeFolder(name)
	if !errors.Is(err, fs.ErrExist) {
		return true, err
	}

	e, err := m.disk.Stat(name)
	if err != nil || e.Kind == disk.Folder {
		return false, err
	}

	// Whether its object is gone or not, an object is in the folder: it was just
	// read. What is not known is left alone.
	if _, err := m.gone(ctx, folder); err != nil {
		return false, fmt.Errorf("%q is in the way: %w", folder, err)
	}

	if err := m.disk.Remove(name); err != nil {
		return false, err
	}

	return true, m.disk.MakeFolder(name)
}

// folder makes a folder unless it is there.
func (m *Mirror) folder(name string) error {
	err := m.disk.MakeFolder(name)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}

	return err
}
