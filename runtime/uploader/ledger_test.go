package uploader

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// keeps is what a mounted bucket shows of what is kept.
func (w world) keeps() fs.FS {
	out := fstest.MapFS{}
	for name, content := range w.bucket.Objects() {
		out[name] = &fstest.MapFile{Data: []byte(content), Mode: 0o644}
	}

	return out
}

// server is another server of the pool: a disk of its own and the same bucket.
func (w world) server() world {
	w.Helper()

	out := world{w.T, w.TempDir(), w.bucket, make(chan string, 1000)}
	if err := Restore(w.keeps(), filepath.Join(out.disk, "user"), filepath.Join(out.disk, "ledger"), slog.New(slog.DiscardHandler)); err != nil {
		w.Fatal(err)
	}

	if err := os.MkdirAll(filepath.Join(out.disk, "user"), 0o750); err != nil {
		w.Fatal(err)
	}

	return out
}

// keep runs a keeper until all is done.
func (w world) keep() {
	w.Helper()

	ctx, stop := context.WithCancel(w.Context())
	stop()

	u := w.uploader()
	u.From, u.Ledger = filepath.Join(w.disk, "user"), filepath.Join(w.disk, "ledger")

	if err := u.Run(ctx); err != nil {
		w.Fatal(err)
	}
}

func (w world) remove(name string) {
	w.Helper()

	if err := os.Remove(filepath.Join(w.disk, name)); err != nil {
		w.Fatal(err)
	}
}

// TestKeeps holds that what people save in one server is in the next, and that a
// server which did not touch a file never takes another's version of it away.
func TestKeeps(t *testing.T) {
	first := newWorld(t).server()
	first.write("user/default/workflows/a.json", "a1")
	first.write("user/default/workflows/b.json", "b1")
	first.keep()

	old, busy := first.server(), first.server()
	busy.write("user/default/workflows/a.json", "a2")
	busy.remove("user/default/workflows/b.json")
	busy.write("user/default/workflows/c.json", "c1")
	busy.keep()
	// It has a1 and b1 still, and ends last.
	old.keep()

	want := map[string]string{"default/workflows/a.json": "a2", "default/workflows/c.json": "c1"}
	old.compare("What was changed or removed stays so.", want)

	next := first.server()
	for name, content := range want {
		if b, err := os.ReadFile(filepath.Join(next.disk, "user", name)); err != nil || string(b) != content {
			t.Errorf("%s comes back: got %q, %v", name, b, err)
		}
	}
}

// TestRestoreAgain holds that first containers that run again leave alone what was
// saved in between, and that a keeper that was killed goes on from its ledger.
func TestRestoreAgain(t *testing.T) {
	w := newWorld(t).server()
	w.write("user/a", "old")
	w.keep()
	w.write("user/a", "new")

	if err := Restore(w.keeps(), filepath.Join(w.disk, "user"), filepath.Join(w.disk, "ledger"), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}

	w.keep()
	w.compare("The last that was saved is kept.", map[string]string{"a": "new"})
}

// deadly is a bucket in whose files a program dies that reads them.
type deadly struct{ fs.FS }

func (d deadly) Open(name string) (fs.File, error) {
	f, err := d.FS.Open(name)
	if about, _ := fs.Stat(d.FS, name); err == nil && about.Mode().IsRegular() {
		f = dying{f}
	}

	return f, err
}

type dying struct{ fs.File }

func (dying) Read([]byte) (int, error) { panic("killed") }

// TestRestoreKilled holds that of a restore that was killed nothing is left among
// people's files: it would be kept as one of them.
func TestRestoreKilled(t *testing.T) {
	w := newWorld(t).server()
	w.write("user/a", "saved")
	w.keep()

	next := newWorld(t)
	user, ledger := filepath.Join(next.disk, "user"), filepath.Join(next.disk, "ledger")

	func() {
		defer func() {
			if recover() == nil {
				t.Error("It is killed.")
			}
		}()

		_ = Restore(deadly{w.keeps()}, user, ledger, slog.New(slog.DiscardHandler))
	}()

	if left, err := os.ReadDir(user); err != nil || len(left) > 0 {
		t.Errorf("Nothing is left: got %v, %v", left, err)
	}

	if err := Restore(w.keeps(), user, ledger, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}

	if b, err := os.ReadFile(filepath.Join(user, "a")); err != nil || string(b) != "saved" {
		t.Errorf("The next restore brings it: got %q, %v", b, err)
	}
}

// TestKeepsLive holds that a running server's changes are kept when they are made.
func TestKeepsLive(t *testing.T) {
	w := newWorld(t).server()
	w.write("user/dir/a", "1")

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	u := w.uploader()
	u.From, u.Ledger = filepath.Join(w.disk, "user"), filepath.Join(w.disk, "ledger")

	go func() { ended <- u.Run(ctx) }()

	w.await("dir/a")

	// A folder with another name is another, with all that is in it.
	if err := os.Rename(filepath.Join(w.disk, "user/dir"), filepath.Join(w.disk, "user/other")); err != nil {
		t.Fatal(err)
	}

	for done := map[string]bool{}; !done["dir/a"] || !done["other/a"]; {
		done[<-w.copied] = true
	}

	if diff := cmp.Diff(map[string]string{"other/a": "1"}, w.bucket.Objects()); diff != "" {
		t.Errorf("bucket: -want, +got:\n%s", diff)
	}

	stop()

	if err := <-ended; err != nil {
		t.Error(err)
	}
}
