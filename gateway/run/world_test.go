package run

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/secrets"
	"github.com/comfyui-studio/comfyui-studio/gateway/run/runtest"
	"github.com/comfyui-studio/comfyui-studio/gateway/secret"
	"github.com/comfyui-studio/comfyui-studio/gateway/secret/secrettest"
)

const (
	seed     = "0123456789abcdef0123456789abcdef"
	apiToken = "correct-horse-battery-staple"
	file     = `{"studio":"art/tokyo","region":"ap-northeast-1","pools":[{"name":"default","min":0,"max":1}],"login":{"mode":"Password"},"edge":{"cdn":false,"encrypted":false},"parameters":{"frontDoor":"front-door","apiTokens":"tokens"}}`
)

// running is a front door that runs.
type running struct {
	traffic, health string
	// end has it leave, and waits.
	end func()
}

func open(t *testing.T, k *runtest.Cluster, edits ...func(*Options)) running {
	t.Helper()

	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // It is there at once.
		if err != nil {
			t.Fatal(err)
		}

		return l
	}

	traffic, health := listen(), listen()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	o := options(configFile(t), k)
	o.Traffic, o.Health = traffic, health

	for _, edit := range edits {
		edit(&o)
	}

	go func() { done <- Run(ctx, o) }()

	end := sync.OnceFunc(func() {
		stop()

		if err := <-done; err != nil {
			t.Errorf("the front door ended: %v", err)
		}
	})
	t.Cleanup(end)

	r := running{traffic: "http://" + traffic.Addr().String(), health: "http://" + health.Addr().String(), end: end}
	// Who waits in vain is ended by go test, which shows where.
	for get(t, r.health+"/readyz") != http.StatusOK {
		time.Sleep(5 * time.Millisecond)
	}

	return r
}

func options(path string, k kubernetes.Interface) Options {
	return Options{
		ConfigFile: path, HealthPort: 1, Kubernetes: k, Namespace: "comfyui", Pod: "front-door-0", Address: "127.0.0.1",
		Parameters: func(context.Context, string) (secret.Source, error) {
			return secrettest.Source{"front-door": string(secrets.Data(seed)[secrets.KeyFrontDoor]), "tokens": "ci=" + apiToken}, nil
		},
		Log: slog.New(slog.DiscardHandler),
	}
}

func configFile(t *testing.T) string {
	t.Helper()

	path := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}

	return path
}

func get(t *testing.T, url string) int {
	t.Helper()

	res, err := http.Get(url) //nolint:noctx // It is there.
	if err != nil {
		return 0
	}
	defer res.Body.Close()

	return res.StatusCode
}

func (r running) login(t *testing.T) *http.Client {
	t.Helper()

	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}

	c := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.traffic+"/_studio/login", strings.NewReader(url.Values{"password": {secrets.Password(seed)}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}

	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")

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

func page(t *testing.T, c *http.Client, url string) (int, string) {
	t.Helper()

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}

	req.Header.Set("Sec-Fetch-Dest", "document")
	req.Header.Set("Sec-Fetch-Site", "none")

	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()

	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}

	return res.StatusCode, string(b)
}

// raw writes bytes to the front door, and reads what it answers until it hangs up.
func (r running) raw(t *testing.T, text string) string {
	t.Helper()

	c, err := net.Dial("tcp", strings.TrimPrefix(r.traffic, "http://")) //nolint:noctx // It is there.
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}

	if err := c.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}

	b, _ := io.ReadAll(bufio.NewReader(c))

	return string(b)
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// A paper is a log that is read while it is written.
type paper struct {
	mu sync.Mutex
	b  strings.Builder
}

func (p *paper) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()

	return p.b.Write(b)
}

func (p *paper) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()

	return p.b.String()
}
