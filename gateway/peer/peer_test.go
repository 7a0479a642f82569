package peer

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/gateway/prompt"
)

// TestPeers has front doors talk, with the right key and without.
func TestPeers(t *testing.T) {
	key, now := []byte("key"), time.Now().Truncate(time.Second)
	tag := prompt.TagOf("uid")
	dropped := ""

	front := httptest.NewServer(&Server{
		Key: func() []byte { return key }, Now: func() time.Time { return now }, Activity: func() Activity { return Activity{"default": now} },
		Drop: func(_ context.Context, server prompt.Tag, client string) { dropped = server.String() + " " + client },
	})
	t.Cleanup(front.Close)

	host, text, _ := net.SplitHostPort(front.Listener.Addr().String())
	port, _ := strconv.Atoi(text)

	hosts := []string{host}
	at := now
	c := &Client{
		Key: func() []byte { return key }, Now: func() time.Time { return at }, HTTP: http.DefaultClient, Port: port,
		Peers: func(context.Context) ([]string, error) { return hosts, nil },
	}

	got, err := c.Activity(t.Context())
	if err != nil || len(got) != 1 || !got[0]["default"].Equal(now) {
		t.Errorf("Activity(): %v, %v", got, err)
	}

	c.Drop(t.Context(), tag, "me & you")

	if diff := cmp.Diff(tag.String()+" me & you", dropped); diff != "" {
		t.Errorf("Drop(...): -want, +got:\n%s", diff)
	}

	// Whoever cannot be asked is not taken for idle.
	hosts, at = []string{host, "127.0.0.2"}, now.Add(2*known)
	c.HTTP = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if addr == net.JoinHostPort("127.0.0.2", text) {
			return nil, &net.OpError{Op: "dial", Err: net.ErrClosed}
		}

		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}}}

	if _, err := c.Activity(t.Context()); err == nil {
		t.Error("a front door that does not answer is passed over")
	}

	hosts, c.until = []string{host}, time.Time{}

	for reason, change := range map[string]func(){
		"a signature of an hour ago": func() { at = now.Add(-time.Hour) },
		"one of an hour ahead":       func() { at = now.Add(time.Hour) },
		"another key":                func() { c.Key = func() []byte { return []byte("other") } },
	} {
		at, c.Key = now, func() []byte { return key }
		dropped = ""

		change()

		if _, err := c.Activity(t.Context()); err == nil {
			t.Errorf("%s is believed", reason)
		}

		if c.Drop(t.Context(), tag, "me"); dropped != "" {
			t.Errorf("%s drops sockets", reason)
		}
	}

	// A signature is for one request.
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, front.URL+"/peer/activity", nil)
	if err != nil {
		t.Fatal(err)
	}

	other, err := http.NewRequestWithContext(t.Context(), http.MethodPost, front.URL+"/peer/drop?server="+tag.String()+"&client=me", nil)
	if err != nil {
		t.Fatal(err)
	}

	other.Header.Set(header, sign(key, req, now))

	res, err := http.DefaultClient.Do(other)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()

	if res.StatusCode != http.StatusForbidden {
		t.Errorf("the signature of another request: want 403, got %d", res.StatusCode)
	}
}
