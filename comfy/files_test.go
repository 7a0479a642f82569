package comfy

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/comfyui-studio/comfyui-studio/internal/comfytest"
)

func TestUpload(t *testing.T) {
	var tries atomic.Int32

	w := newWorld(t, comfytest.Options{}, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			// The first try is cut off in the middle.
			if tries.Add(1) == 1 {
				_, _ = io.CopyN(io.Discard, r.Body, 10)

				panic(http.ErrAbortHandler)
			}

			next.ServeHTTP(rw, r)
		})
	})
	c := w.client()

	cases := []struct{ reason, content, want string }{
		{"It is there under its name.", "one", "a b.png"},
		{"The same again is the same.", "one", "a b.png"},
		{"Another one of that name gets another.", "two", "a b (1).png"},
	}
	for _, tc := range cases {
		got, err := c.Upload(t.Context(), "a b.png", strings.NewReader(tc.content))
		if err != nil || got.Path() != tc.want {
			t.Fatalf("%s\nwant %s, got %+v, %v", tc.reason, tc.want, got, err)
		}

		if there := read(t, filepath.Join(w.dir, "input", got.Name)); string(there) != tc.content {
			t.Errorf("%s\nwant %q, got %q", tc.reason, tc.content, there)
		}
	}
}

// TestDownload takes a file that comes in pieces, each cut off, and one that is
// another by the time of the second.
func TestDownload(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 4096)

	cases := map[string]struct {
		reason string
		// ranges says that the hop between knows of parts.
		ranges, changed bool
		fails           string
	}{
		"Parts":    {reason: "It goes on where it was.", ranges: true},
		"No parts": {reason: "What came before is passed over.", ranges: false},
		"Changed":  {reason: "Two halves of two files are no file.", changed: true, fails: "cannot download x.bin: the file is another now than when the download began"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			var tries atomic.Int32

			w := newWorld(t, comfytest.Options{}, func(http.Handler) http.Handler {
				return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					n := int(tries.Add(1))
					if !tc.ranges {
						r.Header.Del("Range")
					}

					rw.Header().Set("ETag", `"1"`)

					if tc.changed && n > 1 {
						rw.Header().Set("ETag", `"2"`)
					}

					http.ServeContent(&cutOff{rw, n * 10000}, r, "x.bin", stamp, bytes.NewReader(content))
				})
			})

			var got bytes.Buffer

			n, err := w.client().Download(t.Context(), File{Name: "x.bin", Type: "output"}, &got)

			fails := ""
			if err != nil {
				fails = err.Error()
			}

			if fails != tc.fails {
				t.Fatalf("%s\nwant %q, got %q", tc.reason, tc.fails, fails)
			}

			if tc.fails == "" && (n != int64(len(content)) || !bytes.Equal(got.Bytes(), content) || tries.Load() < 3) {
				t.Errorf("%s\n%d of %d bytes came in %d tries, and are the same: %v", tc.reason, n, len(content), tries.Load(), bytes.Equal(got.Bytes(), content))
			}
		})
	}
}

// TestDownloadWaits: a studio that asks for more time gets it, however long it takes
// beside the client's patience.
func TestDownloadWaits(t *testing.T) {
	var tries atomic.Int32

	w := newWorld(t, comfytest.Options{}, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			if tries.Add(1) < 5 {
				rw.Header().Set("Retry-After", "1")
				rw.WriteHeader(http.StatusServiceUnavailable)

				return
			}

			_, _ = io.WriteString(rw, "awake")
		})
	})
	c := w.client()
	c.timing.patience = 0

	var got bytes.Buffer
	if _, err := c.Download(t.Context(), File{Name: "x.bin", Type: "output"}, &got); err != nil || got.String() != "awake" {
		t.Errorf("It is waited for: got %q, %v", got.String(), err)
	}
}

// cutOff is an answer that ends after a number of bytes.
type cutOff struct {
	http.ResponseWriter

	left int
}

func (c *cutOff) Write(b []byte) (int, error) {
	if len(b) <= c.left {
		c.left -= len(b)
		return c.ResponseWriter.Write(b)
	}

	_, _ = c.ResponseWriter.Write(b[:c.left])
	_ = http.NewResponseController(c.ResponseWriter).Flush()

	panic(http.ErrAbortHandler)
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// TestDownloadFails: a disk that is full and a file that is not there are not tried
// again.
func TestDownloadFails(t *testing.T) {
	w := newWorld(t, comfytest.Options{}, nil)
	c := w.client()

	r, err := c.Run(t.Context(), graphOf(t, slow), Run{})
	if err != nil {
		t.Fatal(err)
	}

	if _, err := c.Download(t.Context(), r.Files[0], full{}); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("A full disk is told as %v", err)
	}

	if _, err := c.Download(t.Context(), File{Name: "gone.png", Type: "output"}, io.Discard); err == nil || err.Error() != "cannot download gone.png: it answers 404: Not Found" {
		t.Errorf("A file that is not there is told as %v", err)
	}

	var got bytes.Buffer
	if _, err := c.Download(t.Context(), r.Files[0], &got); err != nil || !bytes.Equal(got.Bytes(), read(t, filepath.Join(w.dir, "output", r.Files[0].Name))) {
		t.Errorf("The file is another than on the server: %v", err)
	}
}

var stamp = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
