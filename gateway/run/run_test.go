package run

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comfyui-studio/comfyui-studio/gateway/run/runtest"
)

// TestFromZero is the first visit to a studio that sleeps: the page waits, one call
// scales, events tell of it, and then the page is there.
func TestFromZero(t *testing.T) {
	k := runtest.New(t)
	r := open(t, k)
	c := r.login(t)

	status, body := page(t, c, r.traffic+"/")
	if status != http.StatusOK || !strings.Contains(body, "waking up") {
		t.Fatalf("the first visit: %d %s", status, body)
	}

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.traffic+"/_studio/wake/events", nil)
	if err != nil {
		t.Fatal(err)
	}

	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()

	last := map[string]any{}

	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			if err := json.Unmarshal([]byte(text), &last); err != nil {
				t.Fatal(err)
			}
		}
	}

	if last["ready"] != true {
		t.Fatalf("the last event: %v", last)
	}

	if status, body = page(t, c, r.traffic+"/"); status != http.StatusOK || !strings.Contains(body, "<title>ComfyUI</title>") {
		t.Errorf("when the server is there: %d %s", status, body)
	}

	if got := k.Scales(); got != 1 {
		t.Errorf("one visit scaled %d times", got)
	}
}

// TestKnocking has forgotten tabs knock at a studio that sleeps, in every way that a
// page does by itself. It stays asleep.
func TestKnocking(t *testing.T) {
	k := runtest.New(t)
	r := open(t, k)
	c := r.login(t)
	header := http.Header{"Sec-Fetch-Site": {"same-origin"}, "Sec-Fetch-Dest": {"empty"}}

	for i := range 300 {
		for _, path := range []string{"/api/prompt", "/api/queue", "/api/history", "/api/system_stats", "/assets/index.js", "/favicon.ico"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.traffic+path, nil)
			if err != nil {
				t.Fatal(err)
			}

			req.Header = header.Clone()

			res, err := c.Do(req)
			if err != nil {
				t.Fatal(err)
			}

			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}

		if i%30 != 0 {
			continue
		}

		s, _, err := websocket.Dial(t.Context(), strings.Replace(r.traffic, "http", "ws", 1)+"/ws?clientId=me", &websocket.DialOptions{HTTPClient: c, HTTPHeader: header.Clone()}) //nolint:bodyclose // It is the socket.
		if err != nil {
			t.Fatalf("a socket is not held: %v", err)
		}

		_, b, err := s.Read(t.Context())
		if err != nil || !bytes.Contains(b, []byte(`"sid":"me"`)) {
			t.Errorf("a socket that is held hears %s, %v", b, err)
		}

		_ = s.CloseNow()
	}

	if got := k.Scales(); got != 0 {
		t.Errorf("tabs that nobody looks at woke the studio %d times", got)
	}
}

// TestParked has a tab wait with its socket, which is let go when there is a server.
func TestParked(t *testing.T) {
	k := runtest.New(t)
	r := open(t, k)
	c := r.login(t)

	s, _, err := websocket.Dial(t.Context(), strings.Replace(r.traffic, "http", "ws", 1)+"/ws?clientId=me", &websocket.DialOptions{HTTPClient: c, HTTPHeader: http.Header{"Sec-Fetch-Site": {"same-origin"}}}) //nolint:bodyclose // It is the socket.
	if err != nil {
		t.Fatal(err)
	}
	defer s.CloseNow()

	if _, _, err := s.Read(t.Context()); err != nil {
		t.Fatal(err)
	}

	page(t, c, r.traffic+"/")

	if _, _, err := s.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusServiceRestart {
		t.Errorf("a socket that is let go ends with %v", err)
	}
}

// TestLeave ends a front door while a socket is open and a request is under way.
func TestLeave(t *testing.T) {
	k := runtest.New(t)
	r := open(t, k)
	k.Start(1)
	c := r.login(t)

	for {
		if _, body := page(t, c, r.traffic+"/"); strings.Contains(body, "<title>ComfyUI</title>") {
			break
		}
	}

	s, _, err := websocket.Dial(t.Context(), strings.Replace(r.traffic, "http", "ws", 1)+"/ws?clientId=me", &websocket.DialOptions{HTTPClient: c, HTTPHeader: http.Header{"Sec-Fetch-Site": {"same-origin"}}}) //nolint:bodyclose // It is the socket.
	if err != nil {
		t.Fatal(err)
	}
	defer s.CloseNow()

	ended := make(chan error, 1)

	go func() {
		for {
			if _, _, err := s.Read(t.Context()); err != nil {
				ended <- err
				return
			}
		}
	}()

	r.end()

	if err := <-ended; websocket.CloseStatus(err) != websocket.StatusServiceRestart {
		t.Errorf("the socket ends with %v", err)
	}
}

// TestSmuggling sends requests whose end can be read in two ways.
func TestSmuggling(t *testing.T) {
	r := open(t, runtest.New(t))

	for name, text := range map[string]string{
		"TwoLengths": "POST /prompt HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
		"BadLength":  "POST /prompt HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello",
		"Encoding":   "POST /prompt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"Space":      "POST /prompt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
		"TwoHosts":   "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"NUL":        "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\x00c\r\n\r\n",
	} {
		got := r.raw(t, text)
		if !strings.HasPrefix(got, "HTTP/1.1 400") && !strings.HasPrefix(got, "HTTP/1.1 501") {
			t.Errorf("%s: want 400 or 501, got %.80q", name, got)
		}
	}
}

// TestSlowHead sends a head a little at a time.
func TestSlowHead(t *testing.T) {
	s := trafficServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("half a head is answered") }), discard())
	// The limit is what is tested, not that it is ten seconds.
	if s.ReadHeaderTimeout != headerTime || headerTime > 30*time.Second || s.WriteTimeout != 0 || s.ReadTimeout != 0 {
		t.Errorf("limits: %s for the head, %s and %s for all", s.ReadHeaderTimeout, s.ReadTimeout, s.WriteTimeout)
	}

	s.ReadHeaderTimeout = 50 * time.Millisecond

	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // It is there at once.
	if err != nil {
		t.Fatal(err)
	}

	go serve(s, l, make(chan error, 1))

	defer s.Close()

	c, err := net.Dial("tcp", l.Addr().String()) //nolint:noctx // As above.
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nX-"); err != nil {
		t.Fatal(err)
	}

	// It is hung up on; a server without a limit would let the test run out.
	if _, err := io.Copy(io.Discard, c); err != nil {
		t.Logf("it ended with %v", err)
	}
}

// TestLog has something secret wherever a request can hold it, and looks for it in
// the log.
func TestLog(t *testing.T) {
	const hush = "hush-hush-hush-hush-hush"

	log := &paper{}
	r := open(t, runtest.New(t), func(o *Options) {
		o.Log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})

	for path, token := range map[string]string{"/prompt": apiToken, "/queue": hush, "/_studio/login": ""} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.traffic+path+"?key="+hush, strings.NewReader("password="+hush))
		if err != nil {
			t.Fatal(err)
		}

		req.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Site": {"same-origin"}, "Cookie": {"studio-session=" + hush}, "X-Key": {hush}}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}

		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}

		_ = res.Body.Close()
	}

	r.end()

	for _, want := range []string{`"path":"/prompt","status":400`, `"user":"ci","program":true`, `"path":"/queue","status":401`, `"path":"/_studio/login","status":401`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s: %s", want, log)
		}
	}

	for _, secret := range []string{hush, apiToken} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log tells %s: %s", secret, log)
		}
	}
}

// TestNoCluster ends a front door whose cluster does not answer.
func TestNoCluster(t *testing.T) {
	k := runtest.New(t)
	asked := make(chan struct{}, 100)

	k.PrependReactor("list", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		asked <- struct{}{}
		return true, nil, errors.New("no answer")
	})

	ctx, stop := context.WithCancel(t.Context())

	go func() {
		<-asked
		stop()
	}()

	if err := Run(ctx, options(configFile(t), k)); err == nil {
		t.Error("it is said to have served")
	}
}

// TestSide is the other port: open for checks, closed for what is not signed.
func TestSide(t *testing.T) {
	r := open(t, runtest.New(t))

	for path, want := range map[string]int{"/healthz": 200, "/livez": 200, "/metrics": 200, "/peer/activity": 403, "/peer/drop": 403, "/peer/hold": 403, "/": 404, "/prompt": 404} {
		if got := get(t, r.health+path); got != want {
			t.Errorf("%s: want %d, got %d", path, want, got)
		}
	}
}
