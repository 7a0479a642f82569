package workcluster

import (
	"bufio"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

// stage is an endpoint in front of a server that plays the kube-apiserver.
type stage struct {
	url   string
	c     *http.Client
	ready chan struct{}
	// next lets the server's watch send one more event.
	next chan struct{}
}

const pass = "Bearer pass"

func newStage(t *testing.T) stage {
	t.Helper()

	s := stage{ready: make(chan struct{}), next: make(chan struct{})}

	behind := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/watch" {
			for {
				select {
				case <-s.next:
				case <-r.Context().Done():
					return
				}

				fmt.Fprintln(w, "event")

				if err := http.NewResponseController(w).Flush(); err != nil {
					return
				}
			}
		}

		fmt.Fprintf(w, "%s %s auth=%q", r.Method, r.URL, r.Header.Get("Authorization"))
	}))
	t.Cleanup(behind.Close)

	cred, err := issue(filepath.Join(t.TempDir(), "c"), behind.URL)
	if err != nil {
		t.Fatal(err)
	}

	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}

	admin := &rest.Config{Host: behind.URL, TLSClientConfig: rest.TLSClientConfig{
		CAData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: behind.Certificate().Raw}),
	}}

	err = endpoint{
		Listen: address, Pair: cred.pair, Admin: admin, Ready: s.ready,
		Allowed: func(a string) bool { return a == pass },
	}.serve(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	s.url = "https://" + address

	s.c, err = rest.HTTPClientFor(&rest.Config{Host: s.url, TLSClientConfig: rest.TLSClientConfig{CAData: cred.ca}})
	if err != nil {
		t.Fatal(err)
	}

	return s
}

func (s stage) get(ctx context.Context, t *testing.T, path, authorization string) (*http.Response, error) {
	t.Helper()

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}

	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}

	return s.c.Do(req)
}

func TestEndpoint(t *testing.T) {
	s := newStage(t)
	close(s.ready)

	cases := map[string]struct {
		reason        string
		authorization string
		code          int
		body          string
	}{
		"Known": {
			reason:        "Who may come in does so as the administrator, whose login is the certificate: the token stays outside.",
			authorization: pass,
			code:          http.StatusOK,
			body:          `GET /api/v1/pods?limit=1 auth=""`,
		},
		"Unknown": {
			reason:        "Others get the kube-apiserver's own answer, which clients parse.",
			authorization: "Bearer old",
			code:          http.StatusUnauthorized,
			body:          `"reason":"Unauthorized"`,
		},
		"Nobody": {
			reason: "Also who says nothing: EKS lets no stranger see the API.",
			code:   http.StatusUnauthorized,
			body:   `"reason":"Unauthorized"`,
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			rsp, err := s.get(t.Context(), t, "/api/v1/pods?limit=1", tc.authorization)
			if err != nil {
				t.Fatal(err)
			}
			defer rsp.Body.Close()

			body, err := io.ReadAll(rsp.Body)
			if err != nil {
				t.Fatal(err)
			}

			if rsp.StatusCode != tc.code || !strings.Contains(string(body), tc.body) {
				t.Errorf("\n%s\nwant %d with %s, got %d with %s", tc.reason, tc.code, tc.body, rsp.StatusCode, body)
			}

			if tc.code != http.StatusOK && !json.Valid(body) {
				t.Errorf("\n%s\nwant a Status in JSON, got %s", tc.reason, body)
			}
		})
	}
}

// TestEndpointWatch sees to it that a watch gets each event when it comes, not
// when a buffer is full.
func TestEndpointWatch(t *testing.T) {
	s := newStage(t)
	close(s.ready)

	go func() { s.next <- struct{}{} }()

	rsp, err := s.get(t.Context(), t, "/watch", pass)
	if err != nil {
		t.Fatal(err)
	}
	defer rsp.Body.Close()

	lines := bufio.NewScanner(rsp.Body)

	for n := range 3 {
		if !lines.Scan() || lines.Text() != "event" {
			t.Fatalf("event %d: got %q, %v", n, lines.Text(), lines.Err())
		}

		if n < 2 {
			s.next <- struct{}{}
		}
	}
}

// TestEndpointWaits sees to it that who comes before the API server is ready
// waits, as nobody has to in AWS.
func TestEndpointWaits(t *testing.T) {
	s := newStage(t)

	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()

	if rsp, err := s.get(ctx, t, "/early", pass); err == nil {
		_ = rsp.Body.Close()

		t.Fatalf("want no answer before the API server is ready, got %s", rsp.Status)
	}

	time.AfterFunc(100*time.Millisecond, func() { close(s.ready) })

	rsp, err := s.get(t.Context(), t, "/late", pass)
	if err != nil {
		t.Fatal(err)
	}
	defer rsp.Body.Close()

	if rsp.StatusCode != http.StatusOK {
		t.Errorf("want the answer once the API server is ready, got %s", rsp.Status)
	}
}
