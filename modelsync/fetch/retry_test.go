package fetch

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestBroken holds that a source that breaks is asked for what is missing, not for
// what was read.
func TestBroken(t *testing.T) {
	body := content(1, 3*testPart+5)

	for _, ranges := range []bool{true, false} {
		s := newSetup(t)
		f := s.file("a/b", body)

		var sent atomic.Int64

		s.web.first = func(w http.ResponseWriter, r *http.Request) bool {
			if !ranges {
				r.Header.Del("Range")
			}

			if r.Header.Get("Range") == "bytes=0-0" {
				return false
			}

			// Every answer breaks off, further on each time.
			w.Header().Set("ETag", tag([]byte(body)))
			http.ServeContent(&breaking{ResponseWriter: w, left: 900 + int(sent.Add(1))*700}, r, "", epoch, strings.NewReader(body))

			return true
		}

		if got := s.fetch(t, f)[0]; got != "" {
			t.Errorf("ranges %t: Fetch(...): got %q", ranges, got)
		}

		s.holds(t, f, body)
	}
}

// breaking breaks the connection after some bytes.
type breaking struct {
	http.ResponseWriter

	left int
}

func (b *breaking) Write(p []byte) (int, error) {
	n := min(len(p), b.left)
	b.left -= n

	_, _ = b.ResponseWriter.Write(p[:n])

	if b.left == 0 {
		b.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}

	return len(p), nil
}

// TestSilent holds that a source that says nothing more is asked again.
func TestSilent(t *testing.T) {
	body := content(1, 2*testPart)
	s := newSetup(t)
	// A machine that is slow takes more tries, and gets there.
	s.opt.Idle, s.opt.Tries = 50*time.Millisecond, 1000
	f := s.file("a/b", body)

	var asked atomic.Int32

	s.web.first = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Range") == "bytes=0-0" || asked.Add(1) > 1 {
			return false
		}

		w.Header().Set("Content-Range", fmt.Sprintf("%s/%d", strings.Replace(r.Header.Get("Range"), "=", " ", 1), len(body)))
		w.WriteHeader(http.StatusPartialContent)
		w.(http.Flusher).Flush()
		<-r.Context().Done()

		return true
	}

	if got := s.fetch(t, f)[0]; got != "" {
		t.Errorf("Fetch(...): got %q", got)
	}

	s.holds(t, f, body)
}
