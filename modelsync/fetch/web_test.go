package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

func content(seed uint64, n int) string {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(seed, seed))

	for i := range b {
		b[i] = byte(r.Uint32())
	}

	return string(b)
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

// web serves files under their paths, as a host with ranges does.
type web struct {
	*httptest.Server

	mu    sync.Mutex
	files map[string]string
	// Asked are the ranges that were asked for.
	asked []string
	// First is asked before each answer, and may answer itself.
	first func(w http.ResponseWriter, r *http.Request) bool
}

func newWebHost(t *testing.T) *web {
	t.Helper()

	h := &web{files: map[string]string{}}
	h.Server = httptest.NewUnstartedServer(h)
	h.Config.ErrorLog = log.New(io.Discard, "", 0)
	h.StartTLS()
	t.Cleanup(h.Close)

	return h
}

func (h *web) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.asked = append(h.asked, r.Header.Get("Range"))
	first, body, ok := h.first, h.files[r.URL.Path], h.files[r.URL.Path] != ""
	h.mu.Unlock()

	if first != nil && first(w, r) {
		return
	}

	if !ok {
		http.NotFound(w, r)
		return
	}

	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("ETag", tag([]byte(body)))
	http.ServeContent(w, r, "", epoch, strings.NewReader(body))
}

// trusting lets the tests' hosts be trusted.
func trusting() *http.Transport {
	t := transport(4)
	t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}

	return t
}

type setup struct {
	s3  *fakeS3
	web *web
	log *bytes.Buffer
	opt Options
}

func newSetup(t *testing.T) *setup {
	t.Helper()

	s := &setup{s3: newFakeS3(t), web: newWebHost(t), log: &bytes.Buffer{}}
	s.opt = Options{
		Models: "models", Notes: Location{Bucket: "artefacts", Prefix: "fetches/"}, Client: s.s3.client(), Transport: trusting(),
		Token: func(_ context.Context, name string) (string, error) {
			if name != "hub" {
				return "", errors.New("no such secret")
			}

			return "s3cr3t\n", nil
		},
		Part: testPart, Window: 3, Pause: time.Millisecond, Tries: 3, Idle: time.Minute, Log: slog.New(slog.NewJSONHandler(s.log, nil)),
	}

	return s
}

func (s *setup) fetch(t *testing.T, files ...File) []Code {
	t.Helper()

	f, err := New(s.opt)
	if err != nil {
		t.Fatal(err)
	}

	var out []Code

	for i, r := range f.Fetch(t.Context(), files) {
		if r.Place != i || r.Path != files[i].Path {
			t.Errorf("result %d is of %d, %s", i, r.Place, r.Path)
		}

		out = append(out, r.Failure)
	}

	t.Log(s.log.String())

	// Whatever happened, the whole window is free again.
	if !f.memory.TryAcquire(f.window) {
		t.Error("a part is never given back")
	}

	return out
}

// file is a declared file that the web host has.
func (s *setup) file(path, body string) File {
	s.web.files["/"+path] = body

	return File{Path: path, URL: s.web.URL + (&url.URL{Path: "/" + path}).String(), SHA256: sum(body), Size: int64(len(body))}
}

func (s *setup) holds(t *testing.T, f File, body string) {
	t.Helper()

	o, ok := s.s3.get("models/" + f.Path)
	if !ok || string(o.body) != body {
		t.Errorf("%s: is there %t with %d bytes, want the %d that were declared", f.Path, ok, len(o.body), len(body))
	}
}
