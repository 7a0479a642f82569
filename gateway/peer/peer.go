// Package peer is what front doors of a studio tell each other, on the port of
// their health checks: who is at work, and that a client's old socket has to go
// before its new one comes. What they say is signed by a key that only they have.
package peer

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/comfyui-studio/comfyui-studio/gateway/prompt"
)

const (
	header = "X-Studio-Peer"
	// asking is how long another front door may take.
	asking = 3 * time.Second
	// fresh is how long a signature is good, with clocks that differ.
	fresh = time.Minute
	// known is how long the list of front doors is good.
	known   = 5 * time.Second
	largest = 64 << 10
)

// Activity is when somebody was at work last, by pool.
type Activity map[string]time.Time

// A Server answers other front doors.
type Server struct {
	Key      func() []byte
	Activity func() Activity
	Drop     func(ctx context.Context, server prompt.Tag, clientID string)
	// Hold waits until nobody does something about an id, and returns what ends that.
	Hold func(ctx context.Context, id string) (func(), error)
	Now  func() time.Time
}

// ServeHTTP answers what is signed.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !verify(s.Key(), r, s.Now()) {
		http.Error(w, "Forbidden", http.StatusForbidden)
		return
	}

	switch {
	case r.Method == http.MethodGet && r.URL.Path == "/peer/activity":
		w.Header().Set("Content-Type", "application/json")

		if err := json.NewEncoder(w).Encode(s.Activity()); err != nil {
			// Who asked has gone.
			return
		}
	case r.Method == http.MethodPost && r.URL.Path == "/peer/drop":
		tag, ok := prompt.ParseTag(r.URL.Query().Get("server"))
		if !ok {
			http.Error(w, "Bad request", http.StatusBadRequest)
			return
		}

		s.Drop(r.Context(), tag, r.URL.Query().Get("client"))
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodPost && r.URL.Path == "/peer/hold":
		s.keep(w, r)
	default:
		http.NotFound(w, r)
	}
}

// A Client asks other front doors.
type Client struct {
	// Self is our own address.
	Self  string
	Key   func() []byte
	Peers func(ctx context.Context) ([]string, error)
	Port  int
	HTTP  *http.Client
	Now   func() time.Time

	mu    sync.Mutex
	known []string
	until time.Time
}

// hosts asks the cluster now and then: every socket that opens wants to know.
func (c *Client) hosts(ctx context.Context) ([]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()

	if c.Now().Before(c.until) {
		return c.known, nil
	}

	all, err := c.Peers(ctx)
	if err != nil {
		return nil, err
	}

	c.known, c.until = all, c.Now().Add(known)

	return all, nil
}

// Activity asks all. If one does not answer nobody knows who is at work.
func (c *Client) Activity(ctx context.Context) ([]Activity, error) {
	all, err := c.hosts(ctx)
	if err != nil {
		return nil, err
	}

	out, errs := make([]Activity, len(all)), make([]error, len(all))

	var wg sync.WaitGroup

	for i, host := range all {
		wg.Go(func() {
			b, err := c.ask(ctx, http.MethodGet, host, "/peer/activity")
			if err == nil {
				err = json.Unmarshal(b, &out[i])
			}

			errs[i] = err
		})
	}

	wg.Wait()

	return out, errors.Join(errs...)
}

// Drop has all close a client's socket at a server. One that does not answer has
// none that anybody can use.
func (c *Client) Drop(ctx context.Context, server prompt.Tag, clientID string) {
	all, err := c.hosts(ctx)
	if err != nil {
		return
	}

	var wg sync.WaitGroup

	for _, host := range all {
		wg.Go(func() {
			_, _ = c.ask(ctx, http.MethodPost, host, "/peer/drop?server="+server.String()+"&client="+url.QueryEscape(clientID))
		})
	}

	wg.Wait()
}

func (c *Client) ask(ctx context.Context, method, host, path string) ([]byte, error) {
	ctx, stop := context.WithTimeout(ctx, asking)
	defer stop()

	res, err := c.do(ctx, method, host, path)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()

	return io.ReadAll(io.LimitReader(res.Body, largest))
}

func (c *Client) do(ctx context.Context, method, host, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+net.JoinHostPort(host, strconv.Itoa(c.Port))+path, nil)
	if err != nil {
		return nil, err
	}

	req.Header.Set(header, sign(c.Key(), req, c.Now()))

	res, err := c.HTTP.Do(req)
	if err != nil {
		return nil, err
	}

	if res.StatusCode >= http.StatusMultipleChoices {
		_ = res.Body.Close()
		return nil, fmt.Errorf("cannot ask the front door at %s: %s", host, res.Status)
	}

	return res, nil
}

// sign binds a request to a moment.
func sign(key []byte, r *http.Request, now time.Time) string {
	at := strconv.FormatInt(now.Unix(), 10)
	return at + "." + hex.EncodeToString(mac(key, r, at))
}

func verify(key []byte, r *http.Request, now time.Time) bool {
	shown := r.Header.Get(header)
	if len(shown) < 66 {
		return false
	}

	at, text := shown[:len(shown)-65], shown[len(shown)-64:]

	sum, err := hex.DecodeString(text)
	if err != nil || !hmac.Equal(sum, mac(key, r, at)) {
		return false
	}

	seconds, err := strconv.ParseInt(at, 10, 64)

	return err == nil && now.Sub(time.Unix(seconds, 0)).Abs() <= fresh
}

func mac(key []byte, r *http.Request, at string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(r.Method + " " + r.URL.RequestURI() + " " + at))

	return m.Sum(nil)
}
