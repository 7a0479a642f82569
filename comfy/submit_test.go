package comfy

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/comfyui-studio/comfyui-studio/internal/comfytest"
)

// TestSubmit plays what stands between: a prompt that was taken is not sent again,
// and one that was not is.
func TestSubmit(t *testing.T) {
	refusing := func(status int, header ...string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}

			w.WriteHeader(status)
		}
	}

	cases := map[string]struct {
		reason string
		// taken says that the server gets the first try.
		taken bool
		first func(http.ResponseWriter)
		sent  int32
		waits string
	}{
		"Taken, 502":     {"The id is found in the queue.", true, refusing(http.StatusBadGateway), 1, "it is not clear whether the prompt was queued"},
		"Taken, 500":     {"A bare error says nothing.", true, refusing(http.StatusInternalServerError), 1, "it is not clear whether the prompt was queued"},
		"Not taken, 502": {"Nobody knows the id, so it is sent again.", false, refusing(http.StatusBadGateway), 2, "the server does not answer"},
		"Asleep":         {"A studio that wakes is waited for.", false, refusing(http.StatusServiceUnavailable, "X-Studio-Asleep", "gpu", "Retry-After", "1"), 2, "the studio is waking up"},
		"Full":           {"A queue that is full is waited for.", false, refusing(http.StatusTooManyRequests, "Retry-After", "1"), 2, "the queue is full"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			var (
				sent  atomic.Int32
				waits []string
			)

			w := newWorld(t, comfytest.Options{}, func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					if r.Method != http.MethodPost || sent.Add(1) > 1 {
						next.ServeHTTP(rw, r)
						return
					}

					if tc.taken {
						next.ServeHTTP(httptest.NewRecorder(), r)
					}

					tc.first(rw)
				})
			})
			c := w.client(WithWaiting(func(w Wait) { waits = append(waits, w.Reason) }))
			id := NewID()

			got, err := c.Submit(t.Context(), graphOf(t, slow), Submission{ID: id})
			if err != nil || got.ID != id {
				t.Fatalf("%s\nIt came to %+v, %v", tc.reason, got, err)
			}

			if sent.Load() != tc.sent || !slices.Contains(waits, tc.waits) {
				t.Errorf("%s\nIt was sent %d times, not %d, and waited since %q, not %q", tc.reason, sent.Load(), tc.sent, waits, tc.waits)
			}

			if r, err := c.Follow(t.Context(), id); err != nil || r.Err() != nil {
				t.Errorf("%s\nIt came to %+v, %v", tc.reason, r, err)
			}
		})
	}
}

// TestRefused: a login page or a refusal is told as what it is.
func TestRefused(t *testing.T) {
	const token = "aaaaaaaaaaaaaaaaaaaaaaaa"

	w := newWorld(t, comfytest.Options{}, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			switch r.Header.Get("Authorization") {
			case "Bearer " + token:
				next.ServeHTTP(rw, r)
			case "":
				http.Redirect(rw, r, "/studio/login", http.StatusSeeOther)
			default:
				rw.WriteHeader(http.StatusUnauthorized)
			}
		})
	})

	for _, options := range [][]Option{nil, {WithToken("wrong")}} {
		if _, err := w.client(options...).Run(t.Context(), graphOf(t, slow), Run{}); !errors.Is(err, ErrUnauthorized) {
			t.Errorf("want %v, got %v", ErrUnauthorized, err)
		}
	}

	heard := false

	r, err := w.client(WithToken(token)).Run(t.Context(), graphOf(t, slow), Run{OnEvent: func(e Event) { heard = heard || e.Kind != Disconnected }})
	if err != nil || r.Err() != nil || !heard {
		t.Errorf("With the token it came to %+v, %v, and was heard of: %v", r, err, heard)
	}
}

func TestNew(t *testing.T) {
	for _, bad := range []string{"", "studio.example.com", "ftp://studio.example.com", "https://", "http://%zz"} {
		if _, err := New(bad); err == nil || !strings.Contains(err.Error(), "must be like https://") {
			t.Errorf("%q: got %v", bad, err)
		}
	}

	c, err := New("https://studio.example.com/ui/?x=1#y")
	if err != nil || c.URL() != "https://studio.example.com/ui" {
		t.Errorf("got %v, %v", c, err)
	}
}
