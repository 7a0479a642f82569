package declared

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

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
	// Read counts the bytes that the host gave, by path.
	read map[string]int64
}

func newSite(t *testing.T) *site {
	t.Helper()

	s := &site{T: t, store: store.New(), folder: t.TempDir(), files: map[string]store.Content{}, read: map[string]int64{}}
	s.store.Make(models)
	s.store.Make(artefacts)
	s.store.Make("team")
	s.program = s.build()

	endpoint, stop, err := s.store.Serve()
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(stop)

	s.s3 = endpoint
	s.host()

	return s
}

// build builds the fetcher in its own module.
func (s *site) build() string {
	s.Helper()

	program := filepath.Join(s.folder, "model-fetcher")
	cmd := exec.CommandContext(s.Context(), "go", "build", "-o", program, "./cmd/model-fetcher")
	cmd.Dir = "../../.."

	if out, err := cmd.CombinedOutput(); err != nil {
		s.Fatalf("cannot build the fetcher: %v\n%s", err, out)
	}

	return program
}

// host serves what files holds, the gated ones to those who have the token.
func (s *site) host() {
	s.Helper()

	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		c := s.files[r.URL.Path]
		s.mu.Unlock()

		switch {
		case c == nil:
			http.NotFound(w, r)
		case strings.HasPrefix(r.URL.Path, "/gated/") && r.Header.Get("Authorization") != "Bearer "+token:
			w.WriteHeader(http.StatusUnauthorized)
		default:
			w.Header().Set("ETag", `"1"`)
			http.ServeContent(&counted{ResponseWriter: w, path: r.URL.Path, s: s}, r, "", time.Time{}, io.NewSectionReader(c, 0, c.Size()))
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

type counted struct {
	http.ResponseWriter

	path string
	s    *site
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)

	c.s.mu.Lock()
	c.s.read[c.path] += int64(n)
	c.s.mu.Unlock()

	return n, err
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

// TestKilled kills the fetcher each time that it has noted another part of a large
// file, and starts it again until it ends by itself. It goes on where it was; a
// file is never seen but whole; somebody's own file stays.
func TestKilled(t *testing.T) {
	s := newSite(t)
	files := []file{
		declare("checkpoints/large", s.web+"/large", store.Seeded(1, 200*mib+1)),
		declare("loras/gated", s.web+"/gated/a", store.Seeded(2, 3*mib)),
		declare("loras/mine", s.web+"/large", store.Seeded(1, 200*mib+1)),
		declare("vae/from a bucket+%20", "s3://team/x y/é", store.Seeded(3, 70*mib)),
		declare("vae/wrong", s.web+"/gated/a", store.Seeded(4, 3*mib)),
	}
	files[1].TokenSecret = "tokyo-token"
	files[4].TokenSecret = "tokyo-token"

	s.files["/large"], s.files["/gated/a"] = files[0].content, files[1].content
	s.store.Put("team", "x y/é", files[3].content)
	s.store.Put(models, "loras/mine", store.Bytes([]byte("my own")))

	w := &watch{T: t, declared: map[string]file{}}
	for _, f := range files {
		w.declared[f.Path] = f
	}

	s.store.OnChange = w.changed

	secrets := s.secrets()

	var (
		got        map[string]string
		runs, from int
	)

	for got == nil {
		if runs++; runs > 20 {
			t.Fatal("it gets nowhere")
		}

		clear(s.read)

		ctx, kill := context.WithCancel(t.Context())
		from = w.next(kill)

		var err error
		if got, err = s.fetch(ctx, secrets, files...); err != nil && ctx.Err() == nil {
			t.Fatalf("run %d: %v", runs, err)
		}

		kill()
	}

	if diff := cmp.Diff(map[string]string{"state": "partial", "present": "3", "failures": "2:conflict,4:checksum"}, got); diff != "" {
		t.Errorf("result after %d runs: -want, +got:\n%s", runs, diff)
	}

	for _, i := range []int{0, 1, 3} {
		if o := s.store.Object(models, files[i].Path); o == nil || sum(o.Content) != files[i].SHA256 {
			t.Errorf("%s is not there, or not whole", files[i].Path)
		}
	}

	if o := s.store.Object(models, "loras/mine"); o.Size() != int64(len("my own")) {
		t.Error("Somebody's own file is another.")
	}

	if left := s.store.Objects(artefacts); len(left) > 0 {
		t.Errorf("%d notes stay", len(left))
	}

	// What was noted is not read again, but for the byte by which a run asks.
	if want := files[0].Size - int64(from)*64*mib + 1; runs < 2 || from == 0 || s.read["/large"] != want {
		t.Errorf("after %d runs and %d parts noted the last run reads %d bytes, want %d", runs, from, s.read["/large"], want)
	}

	s.again(secrets, files[:2]...)
}

// A watch sees what appears in the buckets.
type watch struct {
	*testing.T

	declared map[string]file

	mu   sync.Mutex
	done int
	kill context.CancelFunc
}

// next is told how to kill the next run, and tells how many parts it finds.
func (w *watch) next(kill context.CancelFunc) int {
	w.mu.Lock()
	defer w.mu.Unlock()

	w.kill = kill

	return w.done
}

func (w *watch) changed(c store.Change) {
	if c.Bucket == models {
		w.whole(c.Object)
		return
	}

	// A note that is deleted tells of nothing.
	if c.Object == nil || c.Object.Content == nil {
		return
	}

	n := struct {
		Path string `json:"path"`
		Done int    `json:"done"`
	}{}

	w.mu.Lock()
	defer w.mu.Unlock()

	err := json.NewDecoder(io.NewSectionReader(c.Object.Content, 0, c.Object.Size())).Decode(&n)
	if err == nil && n.Path == "checkpoints/large" && n.Done > w.done {
		w.done = n.Done
		w.kill()
	}
}

// whole holds that nothing appears but what was declared, with the checksum by
// which nodes check it.
func (w *watch) whole(o *store.Object) {
	f, ok := w.declared[o.Key]
	if !ok || sum(o.Content) != f.SHA256 || o.Metadata["sha256"] != f.SHA256 {
		w.Errorf("%s appears, and is not what was declared", o.Key)
	}

	if a, kind, _ := o.Checksum(); a != types.ChecksumAlgorithmCrc64nvme || kind != types.ChecksumTypeFullObject {
		w.Errorf("%s has %s of kind %s, by which nodes cannot check it", o.Key, a, kind)
	}
}

// again holds that what is there costs one question, and its host nothing.
func (s *site) again(secrets string, files ...file) {
	s.Helper()

	heads := s.store.Count(store.OperationHead)

	clear(s.read)

	got, err := s.fetch(s.Context(), secrets, files...)
	if diff := cmp.Diff(map[string]string{"state": "done", "present": strconv.Itoa(len(files)), "failures": ""}, got); diff != "" || err != nil {
		s.Errorf("again: %v: -want, +got:\n%s", err, diff)
	}

	if asked := s.store.Count(store.OperationHead) - heads; len(s.read) > 0 || asked != len(files) {
		s.Errorf("again: reads %v and asks %d times for %d files", s.read, asked, len(files))
	}
}
