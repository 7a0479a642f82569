package comfyctl

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/programs"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

const bucket = "models"

// part is what comfyctl sends at once.
const part = 16 << 20

var built struct {
	sync.Once

	path string
	err  error
}

// A world is a bucket, what stands before it, and a user's home.
type world struct {
	*testing.T

	store    *store.Store
	endpoint string
	home     string
	env      []string

	// watch sees each request before S3 does, and answers it if it returns true.
	watch func(w http.ResponseWriter, r *http.Request) bool
	parts atomic.Int64
	// running is the program that runs.
	mu      sync.Mutex
	running *exec.Cmd
}

func newWorld(t *testing.T) *world {
	t.Helper()

	built.Do(func() {
		var dir string
		//nolint:usetesting // All tests use the program, beyond the first one's end.
		if dir, built.err = os.MkdirTemp("", "comfyctl"); built.err == nil {
			built.path, built.err = programs.Build(t.Context(), dir, "./cmd/comfyctl")
		}
	})

	if built.err != nil {
		t.Fatal(built.err)
	}

	w := &world{T: t, store: store.New(), home: t.TempDir()}
	w.store.Make(bucket)

	endpoint, stop, err := w.store.Serve()
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(stop)

	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}

	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		// The host is signed.
		r.Out.Host = r.In.Host
	}, ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }}
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.watch != nil && w.watch(rw, r) {
			return
		}

		proxy.ServeHTTP(rw, r)

		if isPart(r) {
			w.parts.Add(1)
		}
	}))
	t.Cleanup(front.Close)

	w.endpoint = front.URL
	w.env = []string{
		"HOME=" + w.home, "XDG_CACHE_HOME=" + w.home, "PATH=" + os.Getenv("PATH"), "AWS_EC2_METADATA_DISABLED=true", "AWS_REGION=" + store.Region,
		"AWS_ACCESS_KEY_ID=" + store.AccessKey, "AWS_SECRET_ACCESS_KEY=" + store.SecretKey,
	}

	return w
}

func isPart(r *http.Request) bool {
	return r.Method == http.MethodPut && r.URL.Query().Has("partNumber")
}

// run runs comfyctl models, and returns how it exits and what it prints.
func (w *world) run(args ...string) (int, string) {
	w.Helper()

	var out bytes.Buffer

	cmd := exec.CommandContext(w.Context(), built.path, append([]string{"models", "--endpoint-url", w.endpoint, "--bucket", bucket}, args...)...)
	cmd.Env, cmd.Stdout, cmd.Stderr = w.env, &out, &out

	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}

	w.mu.Lock()
	w.running = cmd
	w.mu.Unlock()

	err := cmd.Wait()

	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		w.Fatal(err)
	}

	return cmd.ProcessState.ExitCode(), out.String()
}

// kill ends the program that runs, as a machine does that goes down.
func (w *world) kill() {
	w.mu.Lock()
	defer w.mu.Unlock()

	_ = w.running.Process.Kill()
}

// file writes a model, and returns its path and its hash.
func (w *world) file(name string, seed uint64, size int64) (string, string) {
	w.Helper()

	path := filepath.Join(w.home, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.Fatal(err)
	}

	f, err := os.Create(path)
	if err != nil {
		w.Fatal(err)
	}
	defer f.Close()

	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(f, h), io.NewSectionReader(store.Seeded(seed, size), 0, size)); err != nil {
		w.Fatal(err)
	}

	return path, hex.EncodeToString(h.Sum(nil))
}

// hash is that of an object, or empty.
func (w *world) hash(key string) string {
	w.Helper()

	o := w.store.Object(bucket, key)
	if o == nil {
		return ""
	}

	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(o.Content, 0, o.Content.Size())); err != nil {
		w.Fatal(err)
	}

	return hex.EncodeToString(h.Sum(nil))
}
