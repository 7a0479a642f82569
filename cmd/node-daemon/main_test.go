package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket/buckettest"
)

// daemon is this very test, run as the daemon.
func TestMain(m *testing.M) {
	if os.Getenv("NODE_DAEMON") != "" {
		main()
		return
	}

	os.Exit(m.Run())
}

// A world is what a node has: S3 for models, another place for statuses, and who
// knows the instance's id.
type world struct {
	*buckettest.Server

	mu       sync.Mutex
	statuses map[string]string
	url      string
}

func newWorld(t *testing.T) *world {
	t.Helper()

	w := &world{Server: buckettest.New(t), statuses: map[string]string{}}

	mux := http.NewServeMux()
	mux.HandleFunc("PUT /latest/api/token", func(r http.ResponseWriter, _ *http.Request) {
		r.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "60")
		_, _ = r.Write([]byte("token"))
	})
	mux.HandleFunc("GET /latest/meta-data/instance-id", func(r http.ResponseWriter, q *http.Request) {
		if q.Header.Get("X-Aws-Ec2-Metadata-Token") != "token" {
			r.WriteHeader(http.StatusUnauthorized)
			return
		}

		_, _ = r.Write([]byte("i-0123456789abcdef0"))
	})
	mux.HandleFunc("PUT /artefacts/{key...}", func(_ http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			t.Errorf("cannot read a status: %v", err)
		}

		w.mu.Lock()
		defer w.mu.Unlock()

		w.statuses[q.PathValue("key")] = string(body)
	})
	mux.Handle("/models/", w.Server)
	mux.Handle("/models", w.Server)

	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)

	w.url = server.URL

	return w
}

func (w *world) status(key string) string {
	w.mu.Lock()
	defer w.mu.Unlock()

	return w.statuses[key]
}

// start starts the daemon with a socket as systemd gives it one. What it says there
// comes on the channel.
func start(t *testing.T, w *world, dir string, args ...string) (*exec.Cmd, <-chan string) {
	t.Helper()

	socket := filepath.Join(t.TempDir(), "notify")

	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "unixgram", socket)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = conn.Close() })

	said := make(chan string, 1000)

	go func() {
		buffer := make([]byte, 4096)

		for {
			n, _, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}

			said <- string(buffer[:n])
		}
	}()

	cmd := exec.CommandContext(t.Context(), os.Args[0], append([]string{
		"--bucket=models", "--region=eu-west-1", "--endpoint=" + w.url, "--directory=" + dir, "--interval=1h", "--status=s3://artefacts/nodes/{instance}.json",
		// The disk is whatever the machine has.
		"--reserve=1",
	}, args...)...)
	cmd.Env = []string{
		"NODE_DAEMON=1", "NOTIFY_SOCKET=" + socket, "WATCHDOG_USEC=150000", "AWS_EC2_METADATA_SERVICE_ENDPOINT=" + w.url,
		"AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=secret", "PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(),
	}
	cmd.Stderr = os.Stderr

	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}

	return cmd, said
}

// until waits for what becomes true.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()

	for !is() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: never", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// TestDaemon runs the daemon as a node does: it is up at once, looks when it is
// poked, tells how it goes, says that it is alive and ends when it is told.
func TestDaemon(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(t.TempDir(), "models")
	model := func(k string) string { b, _ := os.ReadFile(filepath.Join(dir, k)); return string(b) }

	w.Put("a", buckettest.Object{Body: []byte("one")})
	w.Put("../a", buckettest.Object{Body: []byte("out")})

	cmd, said := start(t, w, dir, "--any-disk")

	if got := <-said; got != "READY=1" {
		t.Errorf("First it is ready: got %q", got)
	}

	until(t, "the first model", func() bool { return model("a") == "one" })

	// Its interval is an hour: only the signal brings this.
	w.Put("b", buckettest.Object{Body: []byte("two")})

	if err := cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}

	until(t, "the model after the poke", func() bool { return model("b") == "two" })
	until(t, "the watchdog", func() bool { return <-said == "WATCHDOG=1" })

	const key = "nodes/i-0123456789abcdef0.json"

	until(t, "the status", func() bool { return strings.Contains(w.status(key), `"files": 2`) })

	var got struct {
		Instance     string `json:"instance"`
		Version      string `json:"version"`
		Ready        bool   `json:"ready"`
		RefusedCount int    `json:"refusedCount"`
	}
	if err := json.Unmarshal([]byte(w.status(key)), &got); err != nil || got.Instance != "i-0123456789abcdef0" || got.Version == "" || !got.Ready || got.RefusedCount != 1 {
		t.Errorf("status: got %s, %v", w.status(key), err)
	}

	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}

	if err := cmd.Wait(); err != nil {
		t.Errorf("It ends well: %v", err)
	}

	for _, beside := range []string{".ready", ".status.json"} {
		if _, err := os.Stat(filepath.Join(filepath.Dir(dir), beside)); err != nil {
			t.Errorf("Beside the directory: %v", err)
		}
	}

	for _, r := range w.Requests() {
		if !strings.HasPrefix(r, http.MethodGet) && !strings.HasPrefix(r, http.MethodHead) {
			t.Errorf("It only reads the models bucket: got %s", r)
		}
	}
}

// TestRootDisk holds that models never fill the disk of the operating system.
func TestRootDisk(t *testing.T) {
	w := newWorld(t)
	dir := "/var/tmp/is-not-there/models"

	cmd, _ := start(t, w, dir)
	if err := cmd.Wait(); err == nil {
		t.Error("It must refuse to run.")
	}

	if _, err := os.Stat(filepath.Dir(dir)); err == nil {
		t.Errorf("%s was made", filepath.Dir(dir))
	}
}
