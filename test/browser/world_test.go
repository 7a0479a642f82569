package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/secrets"
	"github.com/comfyui-studio/comfyui-studio/gateway/run"
	"github.com/comfyui-studio/comfyui-studio/gateway/run/runtest"
	"github.com/comfyui-studio/comfyui-studio/gateway/secret"
	"github.com/comfyui-studio/comfyui-studio/gateway/secret/secrettest"
)

const (
	seed         = "0123456789abcdef0123456789abcdef"
	originHeader = "X-Studio-Origin"
	file         = `{"studio":"art/tokyo","region":"ap-northeast-1","pools":[{"name":"default","min":0,"max":1}],"login":{"mode":"Password"},
		"edge":{"cdn":true,"originHeader":"` + originHeader + `","encrypted":true},"parameters":{"frontDoor":"front-door"}}`
)

// A studio is two front doors behind an edge that plays CloudFront and the load
// balancer: it ends TLS, proves itself, and chooses a front door by chance.
type studio struct {
	*testing.T

	cluster *runtest.Cluster
	// url is what people open.
	url string

	// health is the port on which front doors hear of each other, each at an address
	// of its own.
	health int

	mu   sync.Mutex
	made int
	// doors end each that is open, by the address of its traffic.
	doors map[string]func()
}

func newStudio(t *testing.T, frontend string) *studio {
	t.Helper()

	s := &studio{T: t, cluster: runtest.New(t), doors: map[string]func(){}}
	s.cluster.Hold = true
	s.cluster.Wrap = func(server http.Handler) http.Handler { return withFrontend(server, frontend) }

	edge := httptest.NewUnstartedServer(s.edge())
	edge.EnableHTTP2 = true
	edge.StartTLS()
	t.Cleanup(func() { edge.CloseClientConnections(); edge.Close() })

	s.url = edge.URL

	free := listen(t, "127.0.0.1", 0)
	s.health = free.Addr().(*net.TCPAddr).Port
	_ = free.Close()

	return s
}

// withFrontend serves the built frontend as ComfyUI does, which is one program with
// its server, and what the frontend asks for that is nothing but empty here.
func withFrontend(server http.Handler, dir string) http.Handler {
	mux := http.NewServeMux()
	files := http.FileServer(http.Dir(dir))

	mux.Handle("/", server)
	mux.Handle("GET /{$}", files)

	for path, empty := range map[string]any{
		"/api/extensions": []string{}, "/api/i18n": struct{}{}, "/api/workflow_templates": struct{}{}, "/api/global_subgraphs": struct{}{}, "/api/experiment/models": []string{},
	} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(empty)
		})
	}

	for _, folder := range []string{"assets", "scripts", "fonts", "extensions", "cursor"} {
		mux.Handle("GET /"+folder+"/", files)
	}

	// Somebody who is here for the first time is shown templates, over everything else.
	server.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/settings/Comfy.TutorialCompleted", strings.NewReader("true"))) //nolint:noctx // Its own.

	mux.Handle("GET /materialdesignicons.min.css", files)

	return mux
}

func (s *studio) edge() http.Handler {
	origin := secrets.Origin(seed)

	return &httputil.ReverseProxy{
		Transport: &http.Transport{},
		ErrorLog:  slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(s.door())
			p.Out.Host = p.In.Host
			p.SetXForwarded()
			p.Out.Header.Set(originHeader, origin)
			p.Out.Header.Set("Cloudfront-Viewer-Address", p.In.RemoteAddr)
		},
	}
}

// door is one that is open.
func (s *studio) door() *url.URL {
	s.mu.Lock()
	defer s.mu.Unlock()

	at := rand.IntN(max(1, len(s.doors)))
	for addr := range s.doors {
		if at == 0 {
			return &url.URL{Scheme: "http", Host: addr}
		}

		at--
	}

	return &url.URL{Scheme: "http", Host: "127.0.0.1:1"}
}

// open starts a front door, and shows it to the others.
func (s *studio) open() {
	s.mu.Lock()
	s.made++
	address := fmt.Sprintf("127.0.0.%d", 1+s.made)
	s.mu.Unlock()

	traffic := listen(s.T, address, 0)
	name := "front-door-" + strings.ReplaceAll(address, ".", "-")
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	o := run.Options{
		ConfigFile: configFile(s.T), Traffic: traffic, Health: listen(s.T, address, s.health), HealthPort: s.health,
		Kubernetes: s.cluster, Namespace: runtest.Namespace, Pod: name, Address: address,
		Parameters: func(context.Context, string) (secret.Source, error) {
			return secrettest.Source{"front-door": string(secrets.Data(seed)[secrets.KeyFrontDoor])}, nil
		},
		Log: s.log(),
	}

	go func() { done <- run.Run(ctx, o) }()

	pods := s.cluster.CoreV1().Pods(runtest.Namespace)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: runtest.Namespace, Labels: map[string]string{"app.kubernetes.io/name": "front-door"}},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning, PodIP: address},
	}

	if _, err := pods.Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		s.Fatal(err)
	}

	end := sync.OnceFunc(func() {
		s.mu.Lock()
		delete(s.doors, traffic.Addr().String())
		s.mu.Unlock()
		stop()

		if err := <-done; err != nil {
			s.Errorf("a front door ended: %v", err)
		}

		if err := pods.Delete(context.Background(), name, metav1.DeleteOptions{}); err != nil {
			s.Error(err)
		}
	})
	s.Cleanup(end)

	s.mu.Lock()
	defer s.mu.Unlock()

	s.doors[traffic.Addr().String()] = end
}

// log is where FRONT_DOOR_LOG says, for who looks for what went wrong.
func (s *studio) log() *slog.Logger {
	path := os.Getenv("FRONT_DOOR_LOG")
	if path == "" {
		return slog.New(slog.DiscardHandler)
	}

	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		s.Fatal(err)
	}

	s.Cleanup(func() { _ = f.Close() })

	return slog.New(slog.NewTextHandler(f, nil))
}

// restart opens two new front doors and has the old ones leave, as a roll-out does.
func (s *studio) restart() {
	s.mu.Lock()

	old := make([]func(), 0, len(s.doors))
	for _, end := range s.doors {
		old = append(old, end)
	}

	s.mu.Unlock()
	s.open()
	s.open()

	for _, end := range old {
		end()
	}
}

// sockets are those that are joined to a server, as the front doors' metrics have it.
func (s *studio) sockets() int {
	s.mu.Lock()
	defer s.mu.Unlock()

	sum := 0

	for addr := range s.doors {
		host, _, _ := net.SplitHostPort(addr)

		res, err := http.Get("http://" + net.JoinHostPort(host, strconv.Itoa(s.health)) + "/metrics") //nolint:noctx // It is there.
		if err != nil {
			s.Fatal(err)
		}
		defer res.Body.Close()

		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			if text, ok := strings.CutPrefix(lines.Text(), "comfyui_studio_sockets "); ok {
				n, _ := strconv.Atoi(text)
				sum += n
			}
		}
	}

	return sum
}

func listen(t *testing.T, address string, port int) net.Listener {
	t.Helper()

	l, err := net.Listen("tcp", net.JoinHostPort(address, strconv.Itoa(port))) //nolint:noctx // It is there at once.
	if err != nil {
		t.Fatal(err)
	}

	return l
}

func configFile(t *testing.T) string {
	t.Helper()

	path := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}

	return path
}
