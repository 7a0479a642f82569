package mirror

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket/buckettest"
	"github.com/comfyui-studio/comfyui-studio/modelsync/disk"
)

// sink takes everything.
type sink struct{ disk.File }

func (sink) WriteAt(b []byte, _ int64) (int, error) { return len(b), nil }

// TestRate has all connections of a node write as fast as they can, by a clock of
// the test's. Together they are as fast as they may, and none waits for so long
// that it counts as lost.
func TestRate(t *testing.T) {
	const (
		perSecond = 256 << 20
		seconds   = 20
	)

	synctest.Test(t, func(t *testing.T) {
		o := Options{Rate: perSecond}.complete()

		limiter, err := newLimiter(o)
		if err != nil {
			t.Fatal(err)
		}

		var (
			all     sync.WaitGroup
			mu      sync.Mutex
			longest time.Duration
			m       meter
		)

		began := time.Now()
		writes := seconds * perSecond / o.Connections / o.Buffer

		for range o.Connections {
			all.Go(func() {
				f := paced{sink{}, t.Context(), limiter, &m}

				for range writes {
					before := time.Now()

					if _, err := f.WriteAt(make([]byte, o.Buffer), 0); err != nil {
						t.Error(err)
					}

					mu.Lock()
					longest = max(longest, time.Since(before))
					mu.Unlock()
				}
			})
		}

		all.Wait()

		// A second's worth came at once.
		if got, want := time.Since(began).Round(time.Millisecond), (seconds-1)*time.Second; got != want {
			t.Errorf("%d bytes at %d a second: want %s, got %s", seconds*perSecond, perSecond, want, got)
		}

		if longest > longestWait {
			t.Errorf("a connection waited for %s", longest)
		}

		if m.limited.Load() == 0 {
			t.Error("that it waited is not told")
		}
	})
}

// TestPace holds that a node boots as fast as it can, and copies with a bound from
// then on, also after the daemon was started anew.
func TestPace(t *testing.T) {
	const burst = 100_000

	s := buckettest.New(t)

	// It never fills up again: what is missing was copied with the bound.
	limiter := rate.NewLimiter(0, burst)
	bounded := func() int { return burst - int(limiter.Tokens()) }

	m, dir := newMirror(t, s)
	m.limiter = limiter

	s.Put("large", buckettest.Object{Body: []byte(strings.Repeat("large", 1111))})
	s.Put("small", buckettest.Object{Body: []byte("small")})

	// It is not ready as long as something is missing.
	s.Intercept = func(r *http.Request) buckettest.Fault {
		if strings.HasSuffix(r.URL.Path, "/small") {
			return buckettest.Fault{Status: http.StatusBadRequest, Code: "BadRequest"}
		}

		return buckettest.Fault{}
	}

	if err := m.Pass(t.Context()); err == nil {
		t.Error("What cannot be read is left undone.")
	}

	s.Intercept = nil

	if err := m.Pass(t.Context()); err != nil {
		t.Fatal(err)
	}

	if got := bounded(); got != 0 {
		t.Errorf("Until the first pass is over nothing is bounded: got %d bytes", got)
	}

	again, err := New(m.options)
	if err != nil {
		t.Fatal(err)
	}

	again.limiter = limiter

	s.Put("large", buckettest.Object{Body: []byte(strings.Repeat("LARGE", 1111))})
	s.Put("new", buckettest.Object{Body: []byte("new")})

	if err := again.Pass(t.Context()); err != nil {
		t.Fatal(err)
	}

	if got, want := bounded(), 5*1111+3; got != want {
		t.Errorf("From then on every byte is: want %d, got %d", want, got)
	}

	if got := files(t, dir); len(got) != 3 || got["new"] != "new" {
		t.Errorf("And comes: got %d files", len(got))
	}

	// What has to wait for ever ends with the daemon.
	limiter.AllowN(time.Now(), int(limiter.Tokens()))
	s.Put("newer", buckettest.Object{Body: []byte("newer")})

	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	if err := again.Pass(ctx); err == nil {
		t.Error("A pass that is ended while it waits is not complete.")
	}
}

// TestRateRefused holds that a rate at which connections would be lost is refused.
func TestRateRefused(t *testing.T) {
	if _, err := New(Options{Bucket: "b", Client: buckettest.New(t).Client(), Directory: t.TempDir() + "/models", Rate: 1000}); err == nil {
		t.Error("1000 bytes a second must be refused.")
	}
}
