package mountpointtest

import (
	"errors"
	"maps"
	"os"
	"slices"
	"syscall"
	"testing"
)

// TestDirect holds the double to what ComfyUI's own writes meet: a picture goes
// through, a video does not.
func TestDirect(t *testing.T) {
	m := New()

	picture, err := m.OpenFile("a.png", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		t.Fatal(err)
	}

	// Pillow asks where it is, and goes on there.
	if _, err := picture.Seek(0, 1); err != nil {
		t.Fatal(err)
	}

	for _, part := range []string{"head", "tail"} {
		if _, err := picture.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}

	if err := picture.Close(); err != nil {
		t.Fatal(err)
	}

	video, err := m.OpenFile("a.mp4", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		t.Fatal(err)
	}

	_, _ = video.Write([]byte("????rest"))
	_, _ = video.Seek(0, 0)

	cases := map[string]struct {
		do   func() error
		want error
	}{
		"GoBack": {func() error { _, err := video.Write([]byte("size")); return err }, syscall.EINVAL},
		"Rename": {func() error { return m.Rename("a.png", "b.png") }, syscall.ENOSYS},
		"Append": {func() error { _, err := m.OpenFile("a.png", os.O_WRONLY|os.O_APPEND, 0); return err }, syscall.EINVAL},
		"Patch":  {func() error { _, err := m.OpenFile("a.png", os.O_WRONLY, 0); return err }, syscall.EPERM},
		"Twice":  {func() error { _, err := m.OpenFile("a.mp4", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0); return err }, syscall.EPERM},
		"Early":  {func() error { _, err := m.OpenFile("a.mp4", os.O_RDONLY, 0); return err }, syscall.ENOENT},
	}

	for _, name := range slices.Sorted(maps.Keys(cases)) {
		if err := cases[name].do(); !errors.Is(err, cases[name].want) {
			t.Errorf("%s: want %v, got %v", name, cases[name].want, err)
		}
	}

	if got := m.Objects()["a.png"]; got != "headtail" {
		t.Errorf("The picture is there: got %q", got)
	}
}
