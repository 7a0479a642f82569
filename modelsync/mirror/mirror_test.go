package mirror

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket/buckettest"
)

// linkFrom is from which size on the tests' mirrors make hard links.
const linkFrom = 6000

// newMirror mirrors a bucket into a folder of the test's, with small ranges.
func newMirror(t *testing.T, s *buckettest.Server, with ...func(*Options)) (*Mirror, string) {
	t.Helper()

	o := Options{Bucket: buckettest.Name, Client: s.Client(), Directory: filepath.Join(t.TempDir(), "models"), RangeSize: 1000, Buffer: 300, LinkFrom: linkFrom, Connections: 8}
	// The disk is whatever the machine has.
	o.Reserve = 1

	for _, w := range with {
		w(&o)
	}

	m, err := New(o)
	if err != nil {
		t.Fatal(err)
	}

	return m, o.Directory
}

// files are the contents below a folder, by path.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()

	out := map[string]string{}

	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}

		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		out[rel] = string(b)

		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	return out
}

func TestPass(t *testing.T) {
	s := buckettest.New(t)
	m, dir := newMirror(t, s)

	s.Put("checkpoints/large.safetensors", buckettest.Object{Body: []byte(strings.Repeat("large", 1111))})
	s.Put("loras/small.safetensors", buckettest.Object{Body: []byte("small")})
	s.Put("loras/empty", buckettest.Object{})
	s.Put("odd/a b+c%20&é.bin", buckettest.Object{Body: []byte("odd")})

	steps := []func(){
		func() {},
		func() { s.Put("loras/small.safetensors", buckettest.Object{Body: []byte("SMALL")}) },
		func() { s.Delete("checkpoints/large.safetensors"); s.Delete("odd/a b+c%20&é.bin") },
		func() {
			s.Delete("loras/empty")
			s.Put("loras/empty/is/a/folder", buckettest.Object{Body: []byte("now")})
		},
		func() {
			s.Delete("loras/empty/is/a/folder")
			s.Put("loras/empty", buckettest.Object{Body: []byte("again")})
		},
	}
	for i, step := range steps {
		step()

		if err := m.Pass(t.Context()); err != nil {
			t.Fatalf("Pass %d: %v", i, err)
		}

		if diff := cmp.Diff(s.Bodies(), files(t, dir)); diff != "" {
			t.Fatalf("After pass %d the directory equals the bucket: -want, +got:\n%s", i, diff)
		}
	}

	if _, err := os.Stat(filepath.Join(dir, "checkpoints")); err != nil {
		t.Errorf("An outermost folder stays: %v", err)
	}

	if got := m.Status(); !got.Ready || !got.Complete || got.Files != 2 || got.Bytes != 10 || got.Passes != 5 {
		t.Errorf("Status: got %+v", got)
	}
}
