package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func openDisk(t *testing.T) (*Linux, string) {
	t.Helper()

	dir := t.TempDir()

	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}

	return d, dir
}

// TestFile goes the way of a file: made, written, tagged, renamed, linked, removed.
func TestFile(t *testing.T) {
	d, dir := openDisk(t)

	f, err := d.Create("new", allocateFrom)
	if err != nil {
		t.Fatal(err)
	}

	_, err = f.WriteAt([]byte("bytes"), 7)
	modified, again := f.Modified()

	if err := errors.Join(err, again, f.SetTag("a tag"), f.WriteBack(0, 12), f.Sync(), f.Close(), d.MakeFolder("folder"), d.Rename("new", "folder/file"), d.Link("folder/file", "second")); err != nil {
		t.Fatal(err)
	}

	if err := errors.Join(d.SyncFolder("folder"), d.SyncAll()); err != nil {
		t.Fatal(err)
	}

	for _, name := range []string{"folder/file", "second"} {
		got, err := d.Stat(name)
		if err != nil {
			t.Fatal(err)
		}

		want := Entry{Name: filepath.Base(name), Kind: Regular, Size: allocateFrom, Modified: modified, Tag: "a tag"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Stat(%q): -want, +got:\n%s", name, diff)
		}
	}

	if i, err := os.Stat(filepath.Join(dir, "second")); err != nil || i.Mode().Perm() != fileMode {
		t.Errorf("The server's user reads it: mode %v, %v", i.Mode(), err)
	}

	entries, err := d.List(".")
	if err != nil {
		t.Fatal(err)
	}

	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })

	if len(entries) != 2 || entries[0].Kind != Folder || entries[1].Tag != "a tag" {
		t.Errorf("List(): got %+v", entries)
	}

	if err := errors.Join(d.Remove("folder/file"), d.Remove("second"), d.RemoveFolder("folder")); err != nil {
		t.Error(err)
	}
}

// TestRenameOntoItself holds that a name is gone when it was renamed, also where both
// are names of one file: Linux leaves them both then, and says that all went well.
func TestRenameOntoItself(t *testing.T) {
	d, dir := openDisk(t)

	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("model"), 0o600); err != nil {
		t.Fatal(err)
	}

	if err := errors.Join(d.Link("file", "second"), d.Rename("second", "file")); err != nil {
		t.Fatal(err)
	}

	entries, err := d.List(".")
	if err != nil || len(entries) != 1 || entries[0].Name != "file" {
		t.Errorf("List(): got %+v, %v", entries, err)
	}
}

// TestRefuses holds that each call does what it says and no more.
func TestRefuses(t *testing.T) {
	d, dir := openDisk(t)
	outside := t.TempDir()

	if err := errors.Join(
		os.WriteFile(filepath.Join(dir, "file"), nil, 0o600), os.Mkdir(filepath.Join(dir, "folder"), 0o700),
		os.WriteFile(filepath.Join(outside, "theirs"), []byte("theirs"), 0o600), os.Symlink(outside, filepath.Join(dir, "out")),
	); err != nil {
		t.Fatal(err)
	}

	cases := map[string]struct {
		reason string
		do     func() error
		want   error
	}{
		"Exists":       {reason: "A file that is there is not written over.", do: func() error { _, err := d.Create("file", 0); return err }, want: fs.ErrExist},
		"Below":        {reason: "Nothing is below a file.", do: func() error { _, err := d.Stat("file/x"); return err }, want: fs.ErrNotExist},
		"RemoveFolder": {reason: "A file is no folder.", do: func() error { return d.RemoveFolder("file") }},
		"Remove":       {reason: "A folder is no file.", do: func() error { return d.Remove("folder") }},
		"Up":           {reason: "Nothing outside is touched.", do: func() error { _, err := d.Create("../x", 0); return err }},
		"Through":      {reason: "Not through a link either.", do: func() error { return d.Remove("out/theirs") }},
		"RenameOut":    {reason: "Nor is anything put there.", do: func() error { return d.Rename("file", "out/file") }},
		"ListOut":      {reason: "Or read.", do: func() error { _, err := d.List("out"); return err }},
		"Full":         {reason: "Room is asked for before bytes are.", do: func() error { _, err := d.Create("huge", 1<<50); return err }},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			err := tc.do()
			if err == nil || tc.want != nil && !errors.Is(err, tc.want) {
				t.Errorf("%s\nwant error %v, got %v", tc.reason, tc.want, err)
			}
		})
	}

	if _, err := d.Stat("huge"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("What found no room leaves nothing: %v", err)
	}

	if _, err := os.Stat(filepath.Join(outside, "theirs")); err != nil {
		t.Error(err)
	}
}

// TestLock holds that the second one is refused until the first lets go.
func TestLock(t *testing.T) {
	d, dir := openDisk(t)

	unlock, err := d.Lock()
	if err != nil {
		t.Fatal(err)
	}

	other, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}

	if _, err := other.Lock(); !errors.Is(err, ErrLocked) {
		t.Errorf("Lock(): want %v, got %v", ErrLocked, err)
	}

	unlock()

	if _, err := other.Lock(); err != nil {
		t.Errorf("Lock(): %v", err)
	}
}

func TestOnRootDisk(t *testing.T) {
	for path, want := range map[string]bool{"/": true, "/is/not/there": true, "/dev/shm": false, "/dev/shm/is/not/there": false} {
		if got, err := OnRootDisk(path); err != nil || got != want {
			t.Errorf("OnRootDisk(%q): want %t, got %t, %v", path, want, got, err)
		}
	}
}
