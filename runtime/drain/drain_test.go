package drain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/internal/comfytest"
)

// forever is longer than any test.
const forever = time.Hour

// server is a double with a prompt that runs and five that wait, held at once.
func server(t *testing.T) (*comfytest.Server, string, []string) {
	t.Helper()

	s, url := comfytest.Start(t, comfytest.Options{})
	s.Hold()

	var ids []string
	for i := range 6 {
		ids = append(ids, post(t, url, i))
	}

	return s, url, ids
}

func post(t *testing.T, url string, color int) string {
	t.Helper()

	body := fmt.Sprintf(`{"prompt":{"1":{"class_type":"EmptyImage","inputs":{"width":8,"height":8,"batch_size":1,"color":%d}},
		"2":{"class_type":"SaveImage","inputs":{"images":["1",0],"filename_prefix":"a"}}}}`, color)

	res, err := http.Post(url+"/prompt", "application/json", strings.NewReader(body)) //nolint:noctx // A test.
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()

	got := struct {
		ID string `json:"prompt_id"`
	}{}
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}

	return got.ID
}

// history are the prompts that are over.
func history(t *testing.T, url string) int {
	t.Helper()

	res, err := http.Get(url + "/history") //nolint:noctx // A test.
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()

	got := map[string]any{}
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}

	return len(got)
}

// TestEmpty holds that a drain ends when all that was queued is done, and no sooner.
func TestEmpty(t *testing.T) {
	s, url, ids := server(t)

	var log bytes.Buffer

	d := Drain{Server: url, Limit: forever, Every: time.Millisecond, Log: slog.New(slog.NewTextHandler(&waiting{&log, s.Release}, nil))}
	if err := d.Run(t.Context()); err != nil {
		t.Errorf("Nothing is lost: got %v", err)
	}

	if got := history(t, url); got != len(ids) {
		t.Errorf("All are done when it ends: want %d, got %d", len(ids), got)
	}
}

// waiting lets the server go on when the drain says that it waits.
type waiting struct {
	*bytes.Buffer

	then func()
}

func (w *waiting) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("waiting for the queue")) {
		w.then()
	}

	return w.Buffer.Write(b)
}

// TestLate holds that what is lost is told, each by its id, what runs first.
func TestLate(t *testing.T) {
	_, url, ids := server(t)
	message := filepath.Join(t.TempDir(), "termination-log")

	var log bytes.Buffer

	d := Drain{Server: url, Limit: 20 * time.Millisecond, Every: time.Millisecond, Message: message, Log: slog.New(slog.NewTextHandler(&log, nil))}
	err := d.Run(t.Context())

	lost := (*LostError)(nil)
	if !errors.As(err, &lost) {
		t.Fatalf("A queue that is not empty is an error: got %v", err)
	}

	if diff := cmp.Diff(&LostError{Prompts: ids, Count: 6, Why: "the queue is not empty after 20ms"}, lost); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}

	b, err := os.ReadFile(message)
	if err != nil || string(b) != lost.Error() {
		t.Errorf("The pod's status says so: got %s, %v", b, err)
	}

	if !strings.Contains(log.String(), ids[5]) {
		t.Errorf("So does the log: got %s", log.String())
	}
}

// TestServers holds what is made of servers that do not answer as they should.
func TestServers(t *testing.T) {
	queue := func(n int) string { return fmt.Sprintf(`{"exec_info":{"queue_remaining":%d}}`, n) }

	cases := map[string]struct {
		reason  string
		answers []string
		// ends says that nobody listens after the answers.
		ends bool
		want string
	}{
		"Busy":   {reason: "A server that fails for a while has its queue still.", answers: []string{"500", queue(1), "500", "{}", queue(0)}},
		"Late":   {reason: "A prompt that comes in between is waited for.", answers: []string{queue(0), queue(0), queue(1), queue(0)}},
		"Died":   {reason: "What it had is lost.", answers: []string{queue(3)}, ends: true, want: "the server ended by itself: 3 prompts are lost"},
		"Done":   {reason: "A server that ended with nothing lost nothing.", answers: []string{queue(0)}, ends: true},
		"Absent": {reason: "One that never listened has nothing.", ends: true},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			asked := 0
			h := httptest.NewUnstartedServer(nil)
			h.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				a := tc.answers[min(asked, len(tc.answers)-1)]
				asked++

				if tc.ends && asked == len(tc.answers) {
					w.Header().Set("Connection", "close")

					_ = h.Listener.Close()
				}

				if a == "500" {
					w.WriteHeader(http.StatusInternalServerError)
					return
				}

				_, _ = w.Write([]byte(a))
			})
			h.Start()

			defer h.Close()

			if len(tc.answers) == 0 {
				h.Close()
			}

			err := Drain{Server: h.URL, Limit: forever, Every: time.Millisecond, Log: slog.New(slog.DiscardHandler)}.Run(t.Context())

			got := ""
			if err != nil {
				got = err.Error()
			}

			if got != tc.want {
				t.Errorf("%s\nwant %q, got %q", tc.reason, tc.want, got)
			}

			if !tc.ends && asked < len(tc.answers)+settled-1 {
				t.Errorf("%s\nasked: want %d times, got %d", tc.reason, len(tc.answers)+settled-1, asked)
			}
		})
	}
}
