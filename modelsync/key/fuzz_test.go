package key

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// FuzzTree writes every set of keys that is taken into a real directory. Lines are
// keys. Whatever they are, each taken key is a file of its own inside, and every
// key is either taken or refused with a reason.
func FuzzTree(f *testing.F) {
	for _, seed := range []string{
		"a\na/b\na/../b", "../../esc", "/etc/passwd", "x//y\nx/y", ".\n..\n...", "a/.\na/./b", "\x00", "a\x7f/b",
		"checkpoints/flux.safetensors\ncheckpoints/FLUX.safetensors", strings.Repeat("x", 256), "é\ne\u0301", "$(id)\n`id`\n; rm -rf /", "a/\na",
	} {
		f.Add(seed)
	}

	f.Fuzz(func(t *testing.T, text string) {
		keys := slices.Compact(slices.Sorted(strings.SplitSeq(text, "\n")))

		taken, refused := Tree(keys)
		if len(taken)+len(refused) != len(keys) {
			t.Fatalf("%d keys, %d taken and %d refused", len(keys), len(taken), len(refused))
		}

		dir := t.TempDir()
		outer := filepath.Join(dir, "around")
		inner := filepath.Join(outer, "models")

		for _, k := range taken {
			if !filepath.IsLocal(k) || path.Clean(k) != k {
				t.Fatalf("%q is taken", k)
			}

			file := filepath.Join(inner, k)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatalf("%q has no folder: %v", k, err)
			}

			o, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err != nil {
				t.Fatalf("%q is no file of its own: %v", k, err)
			}

			_ = o.Close()
		}

		for _, r := range refused {
			if r.Reason == "" {
				t.Errorf("%q is refused without a reason", r.Key)
			}
		}

		inside(t, dir, len(taken))
	})
}

// inside holds that there are so many files below the mirrored directory, and
// nothing beside it.
func inside(t *testing.T, dir string, want int) {
	t.Helper()

	got := 0

	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}

		if !strings.HasPrefix(p, filepath.Join(dir, "around", "models")+"/") {
			t.Errorf("%q is outside", p)
		}

		got++

		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	if got != want {
		t.Errorf("want %d files, got %d", want, got)
	}
}
