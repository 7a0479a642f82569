package mirror

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket/buckettest"
	"github.com/comfyui-studio/comfyui-studio/modelsync/checksum"
	"github.com/comfyui-studio/comfyui-studio/modelsync/disk"
	"github.com/comfyui-studio/comfyui-studio/modelsync/key"
)

// pass passes, and holds the directory to what is wanted.
func pass(t *testing.T, m *Mirror, dir string, want map[string]string) {
	t.Helper()

	if err := m.Pass(t.Context()); err != nil {
		t.Fatalf("Pass(): %v", err)
	}

	if got := files(t, dir); !cmp.Equal(want, got) {
		t.Fatalf("directory: want %d files, got %d: %.200v", len(want), len(got), got)
	}
}

// gets are the requests for bytes.
func gets(requests []string) []string {
	return slices.DeleteFunc(requests, func(r string) bool { return !strings.HasPrefix(r, "GET ") })
}

// TestReplacedMeanwhile replaces an object by another of its size between two of
// its ranges, again and again.
func TestReplacedMeanwhile(t *testing.T) {
	s := buckettest.New(t)
	m, dir := newMirror(t, s, func(o *Options) { o.Connections = 1 })

	body := func(text string) string { return strings.Repeat(text, 1250) }
	s.Put("k", buckettest.Object{Body: []byte(body("old "))})

	n := 0
	s.Intercept = func(r *http.Request) buckettest.Fault {
		if r.Header.Get("Range") == "bytes=2000-2999" && n < 3 {
			n++
			s.Put("k", buckettest.Object{Body: []byte(body(fmt.Sprintf("new%d", n)))})
		}

		return buckettest.Fault{}
	}

	pass(t, m, dir, map[string]string{"k": body("new3")})
}

// TestNotListed moves an object between two pages of a listing, so that it is on
// none.
func TestNotListed(t *testing.T) {
	s := buckettest.New(t)
	s.Page = 2

	m, dir := newMirror(t, s)

	want := map[string]string{}
	for _, k := range []string{"b", "c", "d", "e"} {
		s.Put(k, buckettest.Object{Body: []byte(k)})
		want[k] = k
	}

	pass(t, m, dir, want)

	s.Intercept = func(r *http.Request) buckettest.Fault {
		// The object is moved before the reader comes to it, and back behind him.
		switch {
		case r.URL.Query().Get("continuation-token") != "":
			s.Delete("e")
		case r.Method == http.MethodHead:
			s.Put("e", buckettest.Object{Body: []byte("e")})
		}

		return buckettest.Fault{}
	}

	if err := m.Pass(t.Context()); err == nil || !strings.Contains(err.Error(), "it is there although it was not listed") {
		t.Errorf("Pass(): got %v", err)
	}

	if diff := cmp.Diff(want, files(t, dir)); diff != "" {
		t.Errorf("An object that is there is never deleted: -want, +got:\n%s", diff)
	}
}

// TestNoProof goes through what is no proof of a delete.
func TestNoProof(t *testing.T) {
	cases := map[string]struct {
		reason string
		// fault is the answer to a request, n counts listings.
		fault func(r *http.Request, n int) buckettest.Fault
		want  string
	}{
		"Denied":    {reason: "Being refused says nothing.", fault: onHead(buckettest.Fault{Status: 403}), want: "access is denied"},
		"Broken":    {reason: "Nor does a failure.", fault: onHead(buckettest.Fault{Status: 400}), want: "cannot tell whether"},
		"NoListing": {reason: "Without a listing nothing is deleted.", fault: onList(1, buckettest.Fault{Status: 403, Code: "AccessDenied"}), want: "cannot list"},
		"NoBucket":  {reason: "A bucket that is gone answers 404 for every key.", fault: onList(2, buckettest.Fault{Status: 404, Code: "NoSuchBucket"}), want: "cannot delete anything"},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := buckettest.New(t)
			m, dir := newMirror(t, s)

			s.Put("a/b", buckettest.Object{Body: []byte("b")})
			pass(t, m, dir, map[string]string{"a/b": "b"})
			s.Delete("a/b")

			lists := 0
			s.Intercept = func(r *http.Request) buckettest.Fault {
				if r.URL.Query().Get("list-type") != "" {
					lists++
				}

				return tc.fault(r, lists)
			}

			if err := m.Pass(t.Context()); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s\nPass(): want error %q, got %v", tc.reason, tc.want, err)
			}

			if got := files(t, dir); got["a/b"] != "b" {
				t.Errorf("%s\nThe file is gone.", tc.reason)
			}

			s.Intercept = nil
			pass(t, m, dir, map[string]string{})
		})
	}
}

func onHead(f buckettest.Fault) func(*http.Request, int) buckettest.Fault {
	return func(r *http.Request, _ int) buckettest.Fault {
		if r.Method == http.MethodHead {
			return f
		}

		return buckettest.Fault{}
	}
}

func onList(nth int, f buckettest.Fault) func(*http.Request, int) buckettest.Fault {
	return func(r *http.Request, n int) buckettest.Fault {
		if r.URL.Query().Get("list-type") != "" && n == nth {
			return f
		}

		return buckettest.Fault{}
	}
}

// TestOutside holds that neither a key nor a link in the directory leads out of it.
func TestOutside(t *testing.T) {
	s := buckettest.New(t)
	m, dir := newMirror(t, s)

	outside := t.TempDir()
	for _, link := range []string{"escape", "file"} {
		if err := os.Symlink(outside, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}

	s.Put("../x", buckettest.Object{Body: []byte("x")})
	s.Put("a/../../x", buckettest.Object{Body: []byte("x")})
	s.Put("/x", buckettest.Object{Body: []byte("x")})
	s.Put("escape/x", buckettest.Object{Body: []byte("inside")})
	s.Put("file", buckettest.Object{Body: []byte("file")})
	s.Put("$(touch x)", buckettest.Object{Body: []byte("name")})

	pass(t, m, dir, map[string]string{"escape/x": "inside", "file": "file", "$(touch x)": "name"})

	if got := files(t, outside); len(got) != 0 {
		t.Errorf("outside: %v", got)
	}

	want := []key.Refusal{
		{Key: "../x", Reason: `has the segment ".."`}, {Key: "/x", Reason: "has an empty segment"}, {Key: "a/../../x", Reason: `has the segment ".."`},
	}
	if diff := cmp.Diff(want, m.Status().Refused); diff != "" {
		t.Errorf("refused: -want, +got:\n%s", diff)
	}
}

// TestUnreadable holds that an object which cannot be read is named and stops
// nothing, and is not asked for each time.
func TestUnreadable(t *testing.T) {
	s := buckettest.New(t)
	m, dir := newMirror(t, s)

	s.Put("a", buckettest.Object{Body: []byte("older")})
	pass(t, m, dir, map[string]string{"a": "older"})

	s.Put("a", buckettest.Object{Body: []byte("newer"), Archived: true})
	s.Put("b", buckettest.Object{Body: []byte("b")})
	s.Put("c", buckettest.Object{Body: []byte("c"), Sum: "CRC32:AAAAAA=="})

	want := map[string]string{"a": "older", "b": "b"}
	pass(t, m, dir, want)

	refused := []key.Refusal{{Key: "a", Reason: "the object is archived and must be restored first"}, {Key: "c", Reason: "its bytes do not have its checksum"}}
	if diff := cmp.Diff(refused, m.Status().Refused); diff != "" {
		t.Errorf("refused: -want, +got:\n%s", diff)
	}

	s.Requests()
	pass(t, m, dir, want)

	if got := gets(s.Requests()); len(got) != 0 {
		t.Errorf("A refused version is left alone for a while: got %q", got)
	}

	// Restored, which changes neither ETag nor size.
	s.Put("a", buckettest.Object{Body: []byte("newer"), ETag: fmt.Sprintf("%032x", 2)})

	for range rememberFor {
		_ = m.Pass(t.Context())
	}

	pass(t, m, dir, map[string]string{"a": "newer", "b": "b"})
}

// TestNothingReadable holds that a node without rights is not ready without models.
func TestNothingReadable(t *testing.T) {
	s := buckettest.New(t)
	m, dir := newMirror(t, s)

	s.Put("a", buckettest.Object{Body: []byte("a")})
	s.Put("b", buckettest.Object{Body: []byte(strings.Repeat("b", 2000))})
	s.Intercept = func(r *http.Request) buckettest.Fault {
		if r.URL.Query().Get("list-type") == "" {
			return buckettest.Fault{Status: 403, Code: "AccessDenied"}
		}

		return buckettest.Fault{}
	}

	if err := m.Pass(t.Context()); err == nil || m.Status().Ready {
		t.Errorf("Pass(): got %v, ready %t", err, m.Status().Ready)
	}

	s.Intercept = nil
	pass(t, m, dir, s.Bodies())
}

// TestDamaged holds that bytes are checked before anybody sees them.
func TestDamaged(t *testing.T) {
	body := strings.Repeat("0123456789", 250)

	for _, sum := range []string{"CRC64NVME:vd+c0gKnsn4=", "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="} {
		s := buckettest.New(t)
		m, dir := newMirror(t, s)

		s.Put("large", buckettest.Object{Body: []byte(body), Sum: sum})
		pass(t, m, dir, map[string]string{})

		if got := m.Status().Refused; len(got) != 1 || got[0].Reason != errDamaged.Error() {
			t.Errorf("%s: refused: got %v", sum, got)
		}
	}

	// Damaged on the way, once.
	s := buckettest.New(t)
	m, dir := newMirror(t, s)

	h := history{Server: s, versions: map[string][]string{}}
	h.put("large", body)

	n := 0
	s.Intercept = func(r *http.Request) buckettest.Fault {
		if r.Header.Get("Range") != "" {
			n++
		}

		return buckettest.Fault{Flip: n == 2}
	}

	pass(t, m, dir, map[string]string{"large": body})
}

// TestParts holds that an object which was uploaded in parts is checked by the
// checksum of their checksums, small or large.
func TestParts(t *testing.T) {
	composite := func(body string, size int) string {
		whole, n := checksum.CRC32.New(), 0

		for part := range slices.Chunk([]byte(body), size) {
			h := checksum.CRC32.New()
			_, _ = h.Write(part)
			_, _ = whole.Write(h.Sum(nil))
			n++
		}

		return fmt.Sprintf("%s-%d", checksum.Sum{Algorithm: checksum.CRC32, Value: whole.Sum(nil)}, n)
	}

	for _, size := range []int{900, 5000} {
		body := strings.Repeat("part ", size/5)
		sum := composite(body, 700)

		cases := map[string]struct {
			reason string
			object buckettest.Object
			want   bool
		}{
			"Right":  {reason: "The parts are as they were uploaded.", object: buckettest.Object{Body: []byte(body), Sum: sum, PartSize: 700}, want: true},
			"Wrong":  {reason: "One is not.", object: buckettest.Object{Body: []byte("P" + body[1:]), Sum: sum, PartSize: 700}},
			"Uneven": {reason: "Parts of any size cannot be checked.", object: buckettest.Object{Body: []byte(body), Sum: sum, PartSize: 50}, want: true},
		}

		for name, tc := range cases {
			t.Run(fmt.Sprintf("%s%d", name, size), func(t *testing.T) {
				s := buckettest.New(t)
				m, dir := newMirror(t, s)
				s.Put("k", tc.object)

				if err := m.Pass(t.Context()); err != nil {
					t.Fatal(err)
				}

				if _, got := files(t, dir)["k"]; got != tc.want {
					t.Errorf("%s\nwant there %t, got %t: %v", tc.reason, tc.want, got, m.Status().Refused)
				}
			})
		}
	}
}

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
		o.Directory, o.Disk, o.First = dir, small{Disk: whole, size: 10_000, dir: dir}, []string{"first/"}
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
