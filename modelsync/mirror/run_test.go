package mirror

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket/buckettest"
	"github.com/comfyui-studio/comfyui-studio/modelsync/disk/crash"
)

// A loop runs a mirror in a time of its own, and counts listings.
func loop(t *testing.T, intercept func(n int64, m *Mirror) buckettest.Fault, during func(m *Mirror)) int64 {
	t.Helper()

	var n atomic.Int64

	// The server's goroutines live in the world's time.
	s := buckettest.New(t)

	synctest.Test(t, func(t *testing.T) {
		m, _ := newMirror(t, s, func(o *Options) { o.Client, o.Disk = s.Direct(), crash.New(nil) })
		s.Intercept = func(r *http.Request) buckettest.Fault {
			if r.URL.Query().Get("list-type") == "" {
				return buckettest.Fault{}
			}

			return intercept(n.Add(1), m)
		}

		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)

		go func() { ended <- m.Run(ctx) }()

		synctest.Wait()
		during(m)
		synctest.Wait()
		cancel()

		if err := <-ended; err != nil {
			t.Errorf("Run(): %v", err)
		}
	})

	return n.Load()
}

func fine(int64, *Mirror) buckettest.Fault { return buckettest.Fault{} }

// TestPokes holds that nobody's poke is lost and that a storm is no storm of passes.
func TestPokes(t *testing.T) {
	cases := map[string]struct {
		reason    string
		intercept func(n int64, m *Mirror) buckettest.Fault
		during    func(m *Mirror)
		least     int64
		most      int64
	}{
		"Quiet": {
			reason: "Without pokes it looks once a minute.",
			during: func(*Mirror) { time.Sleep(10 * time.Minute) },
			least:  9, most: 12,
		},
		"Poke": {
			reason: "A poke is served at once.",
			during: func(m *Mirror) {
				time.Sleep(10 * time.Second)
				m.Poke()
				time.Sleep(time.Millisecond)
			},
			least: 2, most: 2,
		},
		"Storm": {
			reason: "Ten thousand pokes in a second are two passes.",
			during: func(m *Mirror) {
				time.Sleep(10 * time.Second)

				for range 10_000 {
					m.Poke()
					time.Sleep(100 * time.Microsecond)
				}

				time.Sleep(2 * time.Second)
			},
			least: 3, most: 4,
		},
		"Meanwhile": {
			reason: "A poke while the bucket is listed may be about what was not listed.",
			intercept: func(n int64, m *Mirror) buckettest.Fault {
				if n == 1 {
					m.Poke()
				}

				return buckettest.Fault{}
			},
			during: func(*Mirror) { time.Sleep(2 * time.Second) },
			least:  2, most: 2,
		},
		"Failed": {
			reason: "What failed is tried again soon, and not for ever as soon.",
			intercept: func(int64, *Mirror) buckettest.Fault {
				return buckettest.Fault{Status: 403, Code: "AccessDenied"}
			},
			during: func(*Mirror) { time.Sleep(4 * time.Minute) },
			// After 2, 4, 8, 16, 32 seconds and then each minute.
			least: 7, most: 9,
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if tc.intercept == nil {
				tc.intercept = fine
			}

			if got := loop(t, tc.intercept, tc.during); got < tc.least || got > tc.most {
				t.Errorf("%s\nwant %d to %d passes, got %d", tc.reason, tc.least, tc.most, got)
			}
		})
	}
}

// TestRunAlone holds that two daemons do not work on one directory.
func TestRunAlone(t *testing.T) {
	s := buckettest.New(t)
	m, dir := newMirror(t, s)

	unlock, err := m.disk.Lock()
	if err != nil {
		t.Fatal(err)
	}

	other, _ := newMirror(t, s, func(o *Options) { o.Directory = dir })
	if err := other.Run(t.Context()); err == nil {
		t.Error("The second one must not run.")
	}

	unlock()

	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	if err := other.Run(ctx); err != nil {
		t.Errorf("It may when the first one is gone: %v", err)
	}
}
