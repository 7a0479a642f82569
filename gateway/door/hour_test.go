package door

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/secrets"
	"github.com/comfyui-studio/comfyui-studio/gateway/servers"
)

// pipes is a network in memory: time passes in a bubble only while nobody waits for
// a real one.
type pipes struct {
	come chan net.Conn
	end  chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.come:
		return c, nil
	case <-p.end:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error { close(p.end); return nil }

func (pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	a, b := net.Pipe()
	p.come <- addressed{b}

	return a, nil
}

// addressed comes from somewhere, as viewers do.
type addressed struct{ net.Conn }

func (addressed) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// TestForgottenTabs has tabs that nobody looks at knock at a studio that sleeps, for
// an hour: they poll every second, and come back three times a second wherever their
// socket breaks. It stays asleep, and nobody is taken for present.
func TestForgottenTabs(t *testing.T) {
	const (
		tabs = 4
		hour = time.Hour
	)

	w := newWorld(t, 0)

	synctest.Test(t, func(t *testing.T) {
		// Its channels belong to this bubble.
		w.table = servers.NewTable()
		w.sync()

		network := pipes{make(chan net.Conn), make(chan struct{})}
		server := &http.Server{Handler: w.open(), ReadHeaderTimeout: time.Minute}
		transport := &http.Transport{DialContext: network.dial, MaxIdleConnsPerHost: 2 * tabs}

		var all sync.WaitGroup

		all.Go(func() { _ = server.Serve(network) })

		knocks, sockets := make([]int, tabs), make([]int, tabs)
		end := time.Now().Add(hour)

		var knocking sync.WaitGroup

		for i := range tabs {
			c := visitor(t, transport)

			knocking.Go(func() { knocks[i] = poll(t, c, end) })
			// Every other one is behind something that cuts connections.
			knocking.Go(func() { sockets[i] = listen(t, c, end, time.Duration(i%2)*20*time.Second) })
		}

		knocking.Wait()

		for i := range tabs {
			if knocks[i] < 3000 || sockets[i] < 1 {
				t.Errorf("tab %d knocked %d times and had %d sockets: it is not what was to be tested", i, knocks[i], sockets[i])
			}
		}

		if n := w.waker.count(); n != 0 || len(w.waker.present) != 0 {
			t.Errorf("tabs that nobody looks at woke the studio %d times, and were taken for %v", n, w.waker.present)
		}

		// Somebody who opens the page does wake it.
		if status := visit(t, visitor(t, transport), "/", "document"); status != http.StatusOK || w.waker.count() != 1 {
			t.Errorf("a visit is answered with %d, and woke the studio %d times", status, w.waker.count())
		}

		transport.CloseIdleConnections()

		_ = server.Close()
		all.Wait()
	})
}

// visitor is a browser that has logged in.
func visitor(t *testing.T, transport http.RoundTripper) *http.Client {
	t.Helper()

	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}

	c := &http.Client{Jar: jar, Transport: transport, CheckRedirect: noRedirect}

	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://studio/_studio/login", strings.NewReader(url.Values{"password": {secrets.Password(seed)}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}

	req.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Site": {"same-origin"}}

	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()

	if res.StatusCode != http.StatusSeeOther {
		t.Fatalf("the login: %d", res.StatusCode)
	}

	return c
}

func visit(t *testing.T, c *http.Client, path, dest string) int {
	t.Helper()

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://studio"+path, nil)
	if err != nil {
		t.Error(err)
		return 0
	}

	req.Header = http.Header{"Sec-Fetch-Site": {"same-origin"}, "Sec-Fetch-Dest": {dest}}

	res, err := c.Do(req)
	if err != nil {
		t.Error(err)
		return 0
	}

	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()

	return res.StatusCode
}

// poll asks as a tab does whose socket never opened.
func poll(t *testing.T, c *http.Client, end time.Time) int {
	t.Helper()

	n := 0

	for ; time.Now().Before(end); time.Sleep(time.Second) {
		visit(t, c, "/api/prompt", "empty")

		if n%30 == 0 {
			visit(t, c, []string{"/api/queue", "/api/history", "/api/jobs", "/assets/index.js"}[n/30%4], "empty")
		}

		n++
	}

	return n
}

// listen holds a socket, which breaks after a time if there is one, and comes back.
func listen(t *testing.T, c *http.Client, end time.Time, breaks time.Duration) int {
	t.Helper()

	n := 0

	for ; time.Now().Before(end); time.Sleep(300 * time.Millisecond) {
		until := end
		if at := time.Now().Add(breaks); breaks > 0 && at.Before(end) {
			until = at
		}

		ctx, stop := context.WithDeadline(t.Context(), until)

		s, _, err := websocket.Dial(ctx, "ws://studio/ws?clientId=me", &websocket.DialOptions{HTTPClient: c, HTTPHeader: http.Header{"Sec-Fetch-Site": {"same-origin"}}}) //nolint:bodyclose // It is the socket.
		if err != nil {
			t.Errorf("a socket is not held: %v", err)
			stop()

			return n
		}

		for err == nil {
			_, _, err = s.Read(ctx)
		}

		n++

		_ = s.CloseNow()

		stop()
	}

	return n
}
