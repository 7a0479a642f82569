package mirror

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket/buckettest"
	"github.com/comfyui-studio/comfyui-studio/modelsync/disk"
)

// TestRecognised holds that a file without identity is read and not copied, and
// that one which somebody wrote to is copied.
func TestRecognised(t *testing.T) {
	s := buckettest.New(t)
	m, dir := newMirror(t, s)

	h := history{Server: s, versions: map[string][]string{}}
	h.put("k", strings.Repeat("model", 500))

	want := h.Bodies()
	pass(t, m, dir, want)

	if err := unix.Removexattr(filepath.Join(dir, "k"), "user.comfyui-studio"); err != nil {
		t.Fatal(err)
	}

	s.Requests()
	pass(t, m, dir, want)
	pass(t, m, dir, want)

	if got := s.Requests(); !cmp.Equal(got, []string{"GET", "HEAD k", "GET"}) {
		t.Errorf("A lost identity is one HEAD, once: got %q", got)
	}

	if err := os.WriteFile(filepath.Join(dir, "k"), []byte(strings.Repeat("MODEL", 500)), 0o600); err != nil {
		t.Fatal(err)
	}

	pass(t, m, dir, want)
}

// TestLinked holds that what was renamed is not copied, and that names of one file
// go their own ways afterwards.
func TestLinked(t *testing.T) {
	s := buckettest.New(t)
	m, dir := newMirror(t, s, func(o *Options) { o.RangeSize, o.Buffer = linkFrom/2, linkFrom/4 })

	h := history{Server: s, versions: map[string][]string{}}
	body := strings.Repeat("model ", linkFrom/6+1)

	h.put("a/old", body)
	pass(t, m, dir, h.Bodies())

	h.put("b/new", body)
	h.put("b/other", strings.ToUpper(body))
	h.Delete("a/old")
	s.Requests()
	pass(t, m, dir, h.Bodies())

	for _, r := range s.Requests() {
		if strings.HasPrefix(r, "GET b/new") {
			t.Errorf("What is there is not fetched: %s", r)
		}
	}

	if got := m.Status(); got.Linked != 1 || got.Copied != 1 || got.Deleted != 1 {
		t.Errorf("Status: got %+v", got)
	}

	// Both names at once, then one of them replaced.
	h.put("c/copy", body)
	pass(t, m, dir, h.Bodies())
	h.put("b/new", strings.ToUpper(body))
	pass(t, m, dir, h.Bodies())
	s.Requests()
	pass(t, m, dir, h.Bodies())

	if got := s.Requests(); len(got) != 1 {
		t.Errorf("Names of one file do not fight: got %q", got)
	}
}

// TestUploadedAgain holds that the same bytes under the same name are not fetched
// again, and that nothing stays beside the directory which would keep their room.
func TestUploadedAgain(t *testing.T) {
	s := buckettest.New(t)
	m, dir := newMirror(t, s)

	h := history{Server: s, versions: map[string][]string{}}
	body := strings.Repeat("model ", linkFrom/6+1)

	h.put("k", body)
	pass(t, m, dir, h.Bodies())
	h.put("k", body)
	s.Requests()
	pass(t, m, dir, h.Bodies())

	if got := gets(s.Requests()); len(got) != 0 {
		t.Errorf("It is fetched: %q", got)
	}

	if got := files(t, filepath.Join(dir, "..", staging)); len(got) != 0 {
		t.Errorf("%d files stay beside the directory", len(got))
	}
}

// A cramped disk has no room for another tag, nor for more than is left.
type cramped struct {
	disk.Disk

	left *int64
}

func (d cramped) Space() (disk.Space, error) { return disk.Space{Free: *d.left}, nil }

func (d cramped) Open(name string) (disk.File, error) {
	f, err := d.Disk.Open(name)
	return tagless{f}, err
}

type tagless struct{ disk.File }

func (tagless) SetTag(string) error { return disk.ErrFull }

// TestLinkFails holds that a link which cannot be made leaves nothing that keeps the
// room of what it links to.
func TestLinkFails(t *testing.T) {
	s := buckettest.New(t)
	base, left := t.TempDir(), int64(linkFrom*2)

	d, err := disk.Open(base)
	if err != nil {
		t.Fatal(err)
	}

	m, dir := newMirror(t, s, func(o *Options) { o.Directory, o.Disk = filepath.Join(base, "models"), cramped{d, &left} })

	h := history{Server: s, versions: map[string][]string{}}
	body := strings.Repeat("model ", linkFrom/6+1)

	h.put("old", body)
	pass(t, m, dir, h.Bodies())

	want := h.Bodies()
	left = 0

	h.put("new", body)
	pass(t, m, dir, want)

	if got := m.Status(); got.SkippedCount != 1 || got.Linked != 0 {
		t.Errorf("Status: got %+v", got)
	}

	if got := files(t, filepath.Join(base, staging)); len(got) != 0 {
		t.Errorf("%d files stay beside the directory", len(got))
	}
}

// TestIndexLast holds that an index is not there before what it names.
func TestIndexLast(t *testing.T) {
	s := buckettest.New(t)
	m, dir := newMirror(t, s)

	s.Put("unet/model_index.json", buckettest.Object{Body: []byte("index")})
	s.Put("unet/deep/part", buckettest.Object{Body: []byte("part")})
	s.Put("vae/model_index.json", buckettest.Object{Body: []byte("index")})

	s.Intercept = func(r *http.Request) buckettest.Fault {
		if strings.HasSuffix(r.URL.Path, "part") {
			return buckettest.Fault{Status: 400, Code: "Broken"}
		}

		return buckettest.Fault{}
	}

	if err := m.Pass(t.Context()); err == nil {
		t.Error("A pass that lacks something is not complete.")
	}

	if diff := cmp.Diff(map[string]string{"vae/model_index.json": "index"}, files(t, dir)); diff != "" {
		t.Errorf("directory: -want, +got:\n%s", diff)
	}

	if _, err := os.Stat(filepath.Join(dir, "..", readyFile)); err == nil {
		t.Error("Nor is the node ready.")
	}

	s.Intercept = nil
	pass(t, m, dir, s.Bodies())

	if _, err := os.Stat(filepath.Join(dir, "..", readyFile)); err != nil {
		t.Errorf("Then it is: %v", err)
	}
}
