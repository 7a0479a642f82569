package declared

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"maps"
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

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/programs"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

const (
	models    = "models"
	artefacts = "artefacts"
	mib       = 1 << 20
	// token is what the gated host asks for.
	token = "s3cr3t"
)

// A file is a declared model and what its host has.
type file struct {
	Path        string `json:"path"`
	URL         string `json:"url"`
	SHA256      string `json:"sha256"`
	Size        int64  `json:"size"`
	TokenSecret string `json:"tokenSecret,omitempty"`

	content store.Content
}

func declare(path, url string, content store.Content) file {
	return file{Path: path, URL: url, SHA256: sum(content), Size: content.Size(), content: content}
}

func sum(c store.Content) string {
	h := sha256.New()
	_, _ = io.Copy(h, io.NewSectionReader(c, 0, c.Size()))

	return hex.EncodeToString(h.Sum(nil))
}

// A site is a bucket, a host and the fetcher between them.
type site struct {
	*testing.T

	store   *store.Store
	program string
	// S3 and web are the addresses of the bucket and of the host, and certificate the
	// file that has the host trusted.
	s3, web, certificate string
	folder               string

	mu    sync.Mutex
	files map[string]store.Content
	// Read counts the bytes that the host gave to the last run, by path.
	read map[string]int64
	// Peak is the most memory that the last run had, in bytes.
	peak int64
}

func newSite(t *testing.T) *site {
	t.Helper()

	s := &site{T: t, store: store.New(), folder: t.TempDir(), files: map[string]store.Content{}}
	s.store.Make(models)
	s.store.Make(artefacts)
	s.store.Make("team")

	var err error
	if s.program, err = programs.Build(t.Context(), s.folder, programs.Fetcher); err != nil {
		t.Fatal(err)
	}

	endpoint, stop, err := s.store.Serve()
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(stop)

	s.s3 = endpoint
	s.host()

	return s
}

// host serves what files holds, the gated ones to those who have the token.
func (s *site) host() {
	s.Helper()

	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		c, read := s.files[r.URL.Path], s.read
		s.mu.Unlock()

		switch {
		case c == nil:
			http.NotFound(w, r)
		case strings.HasPrefix(r.URL.Path, "/gated/") && r.Header.Get("Authorization") != "Bearer "+token:
			w.WriteHeader(http.StatusUnauthorized)
		default:
			w.Header().Set("ETag", `"1"`)
			http.ServeContent(&counted{ResponseWriter: w, path: r.URL.Path, s: s, read: read}, r, "", time.Time{}, io.NewSectionReader(c, 0, c.Size()))
		}
	}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	s.Cleanup(srv.Close)

	s.web = srv.URL
	s.certificate = filepath.Join(s.folder, "ca.pem")

	if err := os.WriteFile(s.certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		s.Fatal(err)
	}
}

// A counted answer is of the run that it began in: what is on its way to one that
// was killed is nothing of the next.
type counted struct {
	http.ResponseWriter

	path string
	s    *site
	read map[string]int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)

	c.s.mu.Lock()
	c.read[c.path] += int64(n)
	c.s.mu.Unlock()

	return n, err
}

// given is what the host gave to the last run, by path.
func (s *site) given() map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()

	return maps.Clone(s.read)
}

// secrets plays Secrets Manager.
func (s *site) secrets() string {
	s.Helper()

	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")

		if r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" || string(b) != `{"SecretId":"tokyo-token"}` {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"ResourceNotFoundException"}`)

			return
		}

		_, _ = io.WriteString(w, `{"SecretString":"`+token+`"}`)
	}))
	s.Cleanup(srv.Close)

	return srv.URL
}

// fetch runs the fetcher until it ends, and returns what it leaves behind.
func (s *site) fetch(ctx context.Context, secrets string, files ...file) (map[string]string, error) {
	s.Helper()

	s.mu.Lock()
	s.read = map[string]int64{}
	s.mu.Unlock()

	manifest, err := json.Marshal(map[string]any{"files": files})
	if err != nil {
		s.Fatal(err)
	}

	dir := s.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "manifest.json"), manifest, 0o600); err != nil {
		s.Fatal(err)
	}

	cmd := exec.CommandContext(ctx, s.program, "--manifest=manifest.json", "--models="+models, "--notes=s3://"+artefacts+"/fetches/",
		"--marker=s3://"+artefacts+"/markers/models/1", "--result=result.json")
	cmd.Dir = dir
	cmd.Env = []string{
		"AWS_ENDPOINT_URL_S3=" + s.s3, "AWS_ENDPOINT_URL_SECRETS_MANAGER=" + secrets, "AWS_REGION=" + store.Region, "SSL_CERT_FILE=" + s.certificate,
		"AWS_ACCESS_KEY_ID=" + store.AccessKey, "AWS_SECRET_ACCESS_KEY=" + store.SecretKey,
	}

	out, err := cmd.CombinedOutput()
	s.Logf("%s", out)

	if used, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.peak = used.Maxrss << 10
	}

	if strings.Contains(string(out), token) {
		s.Error("A token is in the log.")
	}

	var result map[string]string

	if b, err := os.ReadFile(filepath.Join(dir, "result.json")); err == nil {
		if err := json.Unmarshal(b, &result); err != nil {
			s.Fatal(err)
		}
	}

	return result, err
}
