package mirror

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket/buckettest"
	"github.com/comfyui-studio/comfyui-studio/modelsync/disk"
)

// A small disk has a size.
type small struct {
	disk.Disk

	size int64
	dir  string
}

func (d small) Space() (disk.Space, error) {
	used := int64(0)

	err := filepath.WalkDir(d.dir, func(_ string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}

		i, err := e.Info()
		used += i.Size()

		return err
	})

	return disk.Space{Total: d.size, Free: d.size - used}, err
}

// TestSpace fills a disk of 10 000 bytes, of which 15 % stay free.
func TestSpace(t *testing.T) {
	s := buckettest.New(t)

	base := t.TempDir()

	whole, err := disk.Open(base)
	if err != nil {
		t.Fatal(err)
	}

	dir := filepath.Join(base, "models")
	m, _ := newMirror(t, s, func(o *Options) {
		o.Directory, o.Disk, o.Reserve = dir, small{Disk: whole, size: 10_000, dir: dir}, 0
		o.Order = func(context.Context) ([]string, error) { return []string{"first/z"}, nil }
	})

	put := func(k string, size int) { s.Put(k, buckettest.Object{Body: []byte(strings.Repeat("x", size))}) }
	put("a", 5000)
	put("b", 2000)
	put("c", 1000)
	put("first/z", 5000)

	if err := m.Pass(t.Context()); err != nil {
		t.Fatal(err)
	}

	skipped := []Skip{{Key: "a", Bytes: 5000, Reason: "space"}}
	if diff := cmp.Diff(skipped, m.Status().Skipped); diff != "" {
		t.Errorf("What does not fit is named: -want, +got:\n%s", diff)
	}

	if got := files(t, dir); len(got) != 3 || len(got["first/z"]) != 5000 {
		t.Errorf("What is first is there: %d files", len(got))
	}

	// In one pass: what is gone makes way for what waits.
	s.Delete("first/z")

	if err := m.Pass(t.Context()); err != nil {
		t.Fatal(err)
	}

	if got := m.Status(); got.SkippedCount != 0 || got.Files != 3 || got.Deleted != 1 {
		t.Errorf("Status: got %+v", got)
	}

	// A model of several files that do not all fit is not there by half, and the
	// node is ready all the same.
	put("unet/deep/part", 9000)
	put("unet/model_index.json", 10)

	if err := m.Pass(t.Context()); err != nil {
		t.Fatal(err)
	}

	skipped = []Skip{{Key: "unet/deep/part", Bytes: 9000, Reason: "space"}, {Key: "unet/model_index.json", Bytes: 10, Reason: "space"}}
	if diff := cmp.Diff(skipped, m.Status().Skipped); diff != "" {
		t.Errorf("An index is skipped with what it names: -want, +got:\n%s", diff)
	}

	s.Delete("unet/deep/part")
	s.Delete("unet/model_index.json")

	// A newer version that does not fit beside the older one.
	put("a", 4999)

	if err := m.Pass(t.Context()); err != nil {
		t.Fatal(err)
	}

	if got := files(t, dir); len(got["a"]) != 5000 || m.Status().SkippedCount != 1 {
		t.Errorf("The older one stays: %d bytes", len(got["a"]))
	}
}

// TestClean holds that a daemon that was ended leaves nothing for ever.
func TestClean(t *testing.T) {
	s := buckettest.New(t)
	m, dir := newMirror(t, s)

	left := filepath.Join(dir, "..", staging, "left")
	if err := os.WriteFile(left, []byte("half a model"), 0o600); err != nil {
		t.Fatal(err)
	}

	if err := m.clean(); err != nil {
		t.Fatal(err)
	}

	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", left, err)
	}
}
