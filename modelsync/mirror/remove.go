package mirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"github.com/comfyui-studio/comfyui-studio/modelsync/disk"
)

// remove removes what is proven gone, and says how many.
func (m *Mirror) remove(ctx context.Context, keys []string, t *tally) int {
	if len(keys) == 0 {
		return 0
	}

	proven := m.prove(ctx, keys, t)
	if len(proven) == 0 {
		return 0
	}

	// S3 says of every key in a bucket that is gone that it is not there.
	if err := m.bucket.Exists(ctx); err != nil {
		t.fail(fmt.Errorf("cannot delete anything: %w", err))
		return 0
	}

	indexes := 0
	for indexes < len(proven) && isIndex(proven[indexes]) {
		indexes++
	}

	n := m.removeAll(proven[:indexes], t)

	// What an index names must not be gone while the index is back after a crash.
	for _, k := range proven[:indexes] {
		if err := m.disk.SyncFolder(path.Dir(path.Join(m.tree, k))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.fail(fmt.Errorf("cannot sync the folder of %q: %w", k, err))
			return n
		}
	}

	n += m.removeAll(proven[indexes:], t)

	t.mu.Lock()
	defer t.mu.Unlock()

	t.deleted += n
	t.freed = t.freed || n > 0

	return n
}

// removeAll removes files and the folders that become empty by it.
func (m *Mirror) removeAll(keys []string, t *tally) int {
	n := 0

	for _, k := range keys {
		name := path.Join(m.tree, k)

		// A file that made way for a folder is gone already.
		if e, err := m.disk.Stat(name); errors.Is(err, fs.ErrNotExist) || err == nil && e.Kind == disk.Folder {
			continue
		}

		if err := m.disk.Remove(name); err != nil {
			t.fail(fmt.Errorf("cannot delete %q: %w", k, err))
			continue
		}

		m.leave(path.Dir(k))

		n++
	}

	return n
}

// prove are those of keys that are gone, in their order.
func (m *Mirror) prove(ctx context.Context, keys []string, t *tally) []string {
	var (
		mu   sync.Mutex
		gone = map[string]bool{}
		g    errgroup.Group
	)

	g.SetLimit(m.options.Connections)

	for _, k := range keys {
		g.Go(func() error {
			is, err := m.gone(ctx, k)
			if err != nil {
				t.fail(fmt.Errorf("cannot tell whether %q is gone: %w", k, err))
				return nil
			}

			if !is {
				t.fail(fmt.Errorf("cannot delete %q: it is there although it was not listed", k))
				return nil
			}

			mu.Lock()
			defer mu.Unlock()

			gone[k] = true

			return nil
		})
	}

	_ = g.Wait() // Every failure is in the tally.

	return slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return !gone[k] })
}

// nameless says whether no object can have the name: S3's keys are UTF-8.
func nameless(k string) bool { return !utf8.ValidString(k) }

// leave removes a folder that became empty, and those around it. The outermost
// ones stay: they are the kinds of models, and whoever watches them would not
// notice that they are other folders now.
func (m *Mirror) leave(folder string) {
	for ; strings.Contains(folder, "/"); folder = path.Dir(folder) {
		if err := m.disk.RemoveFolder(path.Join(m.tree, folder)); err != nil {
			return // It holds something, or is a file by now.
		}
	}
}

// prune removes folders that were empty when the directory was looked at.
func (m *Mirror) prune(empty []string) {
	for _, folder := range empty {
		m.leave(folder)
	}
}

// removeFolder makes way for a file where a folder is. Everything in it must be
// gone.
func (m *Mirror) removeFolder(ctx context.Context, folder string) error {
	var inside, folders []string

	_, err := m.walk(folder, func(k string, _ disk.Entry) { inside = append(inside, k) }, func(k string) { folders = append(folders, k) })
	if err != nil {
		return err
	}

	for _, k := range inside {
		is, err := m.gone(ctx, k)
		if err != nil {
			return fmt.Errorf("%q is in the way: %w", k, err)
		}

		if !is {
			return fmt.Errorf("%q is in the way", k)
		}
	}

	for _, k := range inside {
		folders = append(folders, path.Dir(k))

		if err := m.disk.Remove(path.Join(m.tree, k)); err != nil {
			return err
		}
	}

	for _, f := range slices.Clone(folders) {
		for ; f != folder && strings.HasPrefix(f, folder+"/"); f = path.Dir(f) {
			folders = append(folders, f)
		}
	}

	folders = append(folders, folder)
	slices.SortFunc(folders, func(a, b string) int {
		return cmp.Or(cmp.Compare(strings.Count(b, "/"), strings.Count(a, "/")), strings.Compare(a, b))
	})

	for _, f := range slices.Compact(folders) {
		if err := m.disk.RemoveFolder(path.Join(m.tree, f)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}

	return nil
}
