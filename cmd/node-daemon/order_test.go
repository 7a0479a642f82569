package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket/buckettest"
)

// TestOrder reads the list again and again while it changes.
func TestOrder(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	// Who has one set makes the SDK ask for another kind of client.
	t.Setenv("AWS_CA_BUNDLE", "")

	var (
		answer func(w http.ResponseWriter)
		sent   int
		etag   string
	)

	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/artefacts/order/models.json" {
			t.Errorf("asked for %s %s", r.Method, r.URL.Path)
		}

		if etag != "" && r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}

		sent++

		answer(w)
	}))
	defer s.Close()

	lists := func(tag, text string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			etag = tag
			w.Header().Set("ETag", tag)
			_, _ = w.Write([]byte(text))
		}
	}

	refuses := func(status int, code string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			etag = ""

			w.WriteHeader(status)
			_, _ = w.Write([]byte("<Error><Code>" + code + "</Code></Error>"))
		}
	}

	ask, err := newOrder(t.Context(), flags{Order: "s3://artefacts/order/models.json", Region: "eu-west-1", Endpoint: s.URL})
	if err != nil {
		t.Fatal(err)
	}

	steps := []struct {
		reason string
		answer func(http.ResponseWriter)
		// replaced says that the object is another than in the step before.
		replaced bool
		sent     int
		want     []string
		fails    bool
	}{
		{reason: "Where nothing is declared S3 says that it is forbidden.", answer: refuses(http.StatusForbidden, "AccessDenied"), sent: 1},
		{reason: "A list is read.", answer: lists(`"1"`, `{"first":["b","a"]}`), sent: 1, want: []string{"b", "a"}},
		{reason: "The same list is not sent again.", answer: lists(`"1"`, `{"first":["b","a"]}`), want: []string{"b", "a"}},
		{reason: "Another is.", answer: lists(`"2"`, `{"first":["c"],"later":1}`), replaced: true, sent: 1, want: []string{"c"}},
		{reason: "One that cannot be read is told.", answer: lists(`"3"`, `{"first":[`), replaced: true, sent: 1, fails: true},
		{reason: "And read anew, not taken for known.", answer: lists(`"3"`, `{"first":["d"]}`), sent: 1, want: []string{"d"}},
		{reason: "What is gone is none.", answer: refuses(http.StatusNotFound, "NoSuchKey"), replaced: true, sent: 1},
	}

	for _, step := range steps {
		answer, sent = step.answer, 0
		if step.replaced {
			etag = ""
		}

		got, err := ask(t.Context())
		if (err != nil) != step.fails {
			t.Errorf("%s\nask: want failure %t, got %v", step.reason, step.fails, err)
		}

		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s\nask: -want, +got:\n%s", step.reason, diff)
		}

		if sent != step.sent {
			t.Errorf("%s\nsent: want %d, got %d", step.reason, step.sent, sent)
		}
	}
}

// TestDeclaredFirst has a daemon with one connection copy a bucket: what is in the
// list comes first, in its order.
func TestDeclaredFirst(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(t.TempDir(), "models")

	for _, k := range []string{"a", "b", "loras/x", "vae/y"} {
		w.Put(k, buckettest.Object{Body: []byte(k)})
	}

	list := filepath.Join(t.TempDir(), "order.json")
	if err := os.WriteFile(list, []byte(`{"first":["vae/y","b","not/there"]}`), 0o600); err != nil {
		t.Fatal(err)
	}

	cmd, _ := start(t, w, dir, "--any-disk", "--connections=1", "--order="+list)

	until(t, "the last model", func() bool { _, err := os.Stat(filepath.Join(dir, "loras", "x")); return err == nil })

	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}

	if err := cmd.Wait(); err != nil {
		t.Errorf("It ends well: %v", err)
	}

	copies := slices.DeleteFunc(w.Requests(), func(r string) bool { return r == http.MethodGet })
	if diff := cmp.Diff([]string{"GET vae/y", "GET b", "GET a", "GET loras/x"}, copies); diff != "" {
		t.Errorf("GETs: -want, +got:\n%s", diff)
	}
}

// TestPlace holds a flag to what can be read and written.
func TestPlace(t *testing.T) {
	cases := map[string]struct {
		reason string
		text   string
		want   place
		fails  bool
	}{
		"Nowhere": {reason: "Nothing is nowhere."},
		"File":    {reason: "A file is one.", text: "/var/x", want: place{file: "/var/x"}},
		"Object":  {reason: "A key may have folders.", text: "s3://b/k/l", want: place{bucket: "b", key: "k/l"}},
		"Bucket":  {reason: "A bucket is no object.", text: "s3://b", fails: true},
		"Folder":  {reason: "Nor is a folder.", text: "s3://b/k/", fails: true},
		"NoName":  {reason: "Nor is something in no bucket.", text: "s3:///k", fails: true},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := newPlace("status", tc.text)
			if (err != nil) != tc.fails {
				t.Errorf("%s\nnewPlace(...): want failure %t, got %v", tc.reason, tc.fails, err)
			}

			if got != tc.want {
				t.Errorf("%s\nnewPlace(...): want %+v, got %+v", tc.reason, tc.want, got)
			}
		})
	}
}
