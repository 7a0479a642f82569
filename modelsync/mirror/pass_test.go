package mirror

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket/buckettest"
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
