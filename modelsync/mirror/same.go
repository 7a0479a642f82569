package mirror

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"golang.org/x/sync/errgroup"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket"
	"github.com/comfyui-studio/comfyui-studio/modelsync/disk"
	"github.com/comfyui-studio/comfyui-studio/modelsync/key"
)

// readers is how many files are read for their sums at once.
const readers = 4

// adopted looks at the directory, and gives files an identity that have none and
// hold their object's bytes: a request and a look at the disk instead of a copy. It
// is what a crash or somebody who copied the directory leaves behind.
func (m *Mirror) adopted(ctx context.Context, objects map[string]bucket.Object) (local, error) {
	here, err := m.look()
	if err != nil {
		return local{}, err
	}

	var strangers []string

	for k, f := range here.files {
		if o, listed := objects[k]; listed && !f.known && f.Kind == disk.Regular && f.Size == o.Size && key.Check(k) == nil {
			strangers = append(strangers, k)
		}
	}

	if len(strangers) == 0 {
		return here, nil
	}

	var g errgroup.Group
	g.SetLimit(readers)

	for _, k := range strangers {
		g.Go(func() error {
			if err := m.recognise(ctx, k); err != nil {
				// It is copied then.
				m.log.WarnContext(ctx, "cannot recognise file", "key", k, "error", err)
			}

			return nil
		})
	}

	_ = g.Wait() // Nothing of it is an error.

	return m.look()
}

// recognise compares a file with what its object is by the stored checksum.
func (m *Mirror) recognise(ctx context.Context, k string) error {
	head, err := m.bucket.Head(ctx, k)
	if err != nil || head.Sum.None() {
		return err
	}

	file, err := m.disk.Open(path.Join(m.tree, k))
	if err != nil {
		return err
	}
	defer file.Close()

	before, err := file.Modified()
	if err != nil {
		return err
	}

	sum, err := sumOf(file, 0, head.Size, head.Sum.Algorithm, make([]byte, m.options.Buffer))
	if err != nil || !sum.Matches(head.Sum) {
		return err
	}

	// A crash may have left bytes in memory alone.
	if err := file.Sync(); err != nil {
		return err
	}

	return file.SetTag(identity{modified: before, size: head.Size, sum: sum, tags: []string{head.ETag}}.text())
}

// link gives objects whose bytes are there under other names their own names for
// them: what people call renaming is a copy and a delete to S3.
func (m *Mirror) link(ctx context.Context, links []link, t *tally) {
	var g errgroup.Group
	g.SetLimit(m.options.Connections)

	for _, l := range links {
		g.Go(func() error {
			m.linkAny(ctx, l, t)
			return nil
		})
	}

	_ = g.Wait() // What was not linked is copied.
}

// linkAny links to the first file that holds the object's bytes. What goes wrong
// here goes wrong again when the object is copied, and is told then.
func (m *Mirror) linkAny(ctx context.Context, l link, t *tally) {
	head, err := m.bucket.Head(ctx, l.object.Key)
	if err != nil || head.Sum.None() || head.Size != l.object.Size {
		return
	}

	for _, from := range l.from {
		linked, err := m.linkTo(ctx, from, head)
		if err != nil {
			m.log.WarnContext(ctx, "cannot link", "from", from, "key", l.object.Key, "error", err)
		}

		if linked {
			t.link(head.Object)
			return
		}
	}
}

// linkTo links if the file holds the object's bytes.
func (m *Mirror) linkTo(ctx context.Context, from string, head bucket.Head) (bool, error) {
	m.linking.Lock()
	defer m.linking.Unlock()

	source := path.Join(m.tree, from)

	e, err := m.disk.Stat(source)
	if err != nil {
		return false, err
	}

	id, known := identityOf(e)
	if !known || id.size != head.Size || !id.sum.Matches(head.Sum) {
		return false, nil
	}

	name := stagingName(head.Key)
	if err := m.disk.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}

	if err := m.disk.Link(source, name); err != nil {
		return false, err
	}

	folders := map[string]bool{}

	err = m.retag(name, id.also(head.Object))
	if err == nil {
		_, err = m.place(ctx, name, head.Key, folders)
	}

	if err != nil {
		return false, errors.Join(err, m.disk.Remove(name))
	}

	for folder := range folders {
		if err := m.disk.SyncFolder(folder); err != nil {
			return true, fmt.Errorf("cannot sync folder %q: %w", folder, err)
		}
	}

	return true, nil
}

// retag puts another identity on a file, whose bytes stay.
func (m *Mirror) retag(name string, id identity) error {
	file, err := m.disk.Open(name)
	if err != nil {
		return err
	}

	return errors.Join(file.SetTag(id.text()), file.Sync(), file.Close())
}
