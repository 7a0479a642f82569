package comfyctl

import (
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

// TestPush takes models through their lives: pushed, known to be there, refused in
// place of another, replaced, verified, listed and removed.
func TestPush(t *testing.T) {
	w := newWorld(t)

	_, small := w.file("models/loras/small.safetensors", 1, 1<<20)
	large, whole := w.file("models/checkpoints/large.safetensors", 2, 2*part+1234)
	w.file("models/checkpoints/notes.txt", 3, 10)
	pickle, _ := w.file("models/vae/old.ckpt", 4, 100)
	other, _ := w.file("other.safetensors", 5, 500)

	steps := []struct {
		reason string
		args   []string
		code   int
		says   string
	}{
		{"A pickle is not pushed by mistake.", []string{"push", pickle}, 2, "vae/old.ckpt can run code when it is loaded"},
		{"A folder's models go where they lie.", []string{"push", filepath.Join(w.home, "models", "checkpoints"), filepath.Join(w.home, "models", "loras")}, 0, "loras/small.safetensors 1.0 MB\n"},
		{"What is there is not sent again.", []string{"push", large}, 0, "checkpoints/large.safetensors is there\n"},
		{"Where something belongs is not guessed.", []string{"push", other}, 2, "Say --to with a folder"},
		{"Another file is not replaced by mistake.", []string{"push", other, "--as", "loras/small.safetensors"}, 1, "the bucket holds another file under that name (1048576 bytes, and this one has 500)"},
		{"It is, when asked for.", []string{"push", other, "--as", "loras/other.safetensors"}, 0, "loras/other.safetensors 500 B"},
		{"Another content than was said is refused.", []string{"push", other, "--as", "loras/x.safetensors", "--sha256", whole}, 1, "and must have " + whole},
		{"All of it is sound.", []string{"verify"}, 0, "checkpoints/large.safetensors is sound\n"},
		{"It is listed.", []string{"ls", "loras/"}, 0, "loras/small.safetensors  1.0 MB"},
		{"One can be removed.", []string{"rm", "loras/other.safetensors"}, 0, "loras/other.safetensors removed\n"},
		{"One that is not there cannot.", []string{"rm", "loras/other.safetensors"}, 1, "there is no such object"},
	}
	for _, s := range steps {
		if code, out := w.run(s.args...); code != s.code || !strings.Contains(out, s.says) {
			t.Errorf("%s\nwant %d and %q, got %d and:\n%s", s.reason, s.code, s.says, code, out)
		}
	}

	if w.hash("loras/small.safetensors") != small || w.hash("checkpoints/large.safetensors") != whole {
		t.Error("What is in the bucket is not what was pushed")
	}

	if n := len(w.store.Objects(bucket)); n != 2 {
		t.Errorf("There are %d objects, and two were left", n)
	}

	if got := w.store.Object(bucket, "checkpoints/large.safetensors").Metadata["sha256"]; got != whole {
		t.Errorf("The object says of itself that its sha256 is %q, and it is %s", got, whole)
	}

	if code, out := w.run("push", other, "--as", "loras/small.safetensors", "--replace"); code != 0 || w.hash("loras/small.safetensors") == small {
		t.Errorf("It is replaced when asked for: %d: %s", code, out)
	}
}

// TestInterrupted kills a push after six of ten parts. The next one sends the other
// four, and what is put together is the file.
func TestInterrupted(t *testing.T) {
	w := newWorld(t)
	path, want := w.file("models/checkpoints/big.safetensors", 7, 10*part)

	var (
		mu   sync.Mutex
		seen int
	)

	w.watch = func(http.ResponseWriter, *http.Request) bool { return false }
	kill := func(r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()

		if !isPart(r) {
			return false
		}

		seen++

		return seen > 6
	}
	w.watch = func(_ http.ResponseWriter, r *http.Request) bool {
		if !kill(r) {
			return false
		}

		// Those before it shall be in S3's hands.
		for w.parts.Load() < 6 {
			time.Sleep(time.Millisecond)
		}

		w.kill()
		panic(http.ErrAbortHandler)
	}

	if code, out := w.run("push", path); code == 0 {
		t.Fatalf("It was killed, and ended well: %s", out)
	}

	if w.hash("checkpoints/big.safetensors") != "" {
		t.Error("Half a model is in the bucket")
	}

	w.watch = nil
	w.parts.Store(0)

	code, out := w.run("push", path)
	if code != 0 || !strings.Contains(out, fmt.Sprintf("of which %.1f MB were there from before", 6*float64(part)/1e6)) {
		t.Errorf("want it to go on, got %d: %s", code, out)
	}

	if n := w.parts.Load(); n != 4 {
		t.Errorf("%d parts were sent again, and four were missing", n)
	}

	if got := w.hash("checkpoints/big.safetensors"); got != want {
		t.Errorf("want %s in the bucket, got %s", want, got)
	}
}

// TestDamaged: bytes that change between reading and storing never become a model,
// wherever it happens.
func TestDamaged(t *testing.T) {
	cases := map[string]struct {
		reason string
		harm   func(w *world, path string) func(http.ResponseWriter, *http.Request) bool
	}{
		"Disk": {
			reason: "A file that changes after it was read is found by the sums of its parts.",
			harm: func(w *world, path string) func(http.ResponseWriter, *http.Request) bool {
				return func(_ http.ResponseWriter, r *http.Request) bool {
					if r.Method == http.MethodPost && r.URL.Query().Has("uploads") {
						f, err := os.OpenFile(path, os.O_WRONLY, 0)
						if err == nil {
							_, err = f.WriteAt([]byte("damage"), part+100)
							_ = f.Close()
						}

						if err != nil {
							w.Error(err)
						}
					}

					return false
				}
			},
		},
		"Network": {
			reason: "So is a bit that flips on the way.",
			harm: func(*world, string) func(http.ResponseWriter, *http.Request) bool {
				return func(_ http.ResponseWriter, r *http.Request) bool {
					if isPart(r) && r.URL.Query().Get("partNumber") == "2" {
						r.Body = &flip{r.Body}
					}

					return false
				}
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			path, _ := w.file("models/checkpoints/m.safetensors", 8, 3*part)
			w.watch = tc.harm(w, path)

			code, out := w.run("push", path)
			if code != 1 || !strings.Contains(out, "its bytes are not those that were read") {
				t.Errorf("%s\nwant it told, got %d: %s", tc.reason, code, out)
			}

			if w.store.Object(bucket, "checkpoints/m.safetensors") != nil {
				t.Errorf("%s\nA damaged model is in the bucket", tc.reason)
			}
		})
	}
}

// flip changes the first byte of a body.
type flip struct{ from io.ReadCloser }

func (f *flip) Read(p []byte) (int, error) {
	n, err := f.from.Read(p)
	if n > 0 {
		p[0] ^= 1
	}

	return n, err
}

func (f *flip) Close() error { return f.from.Close() }

// TestVerify finds a model that is no longer what was uploaded.
func TestVerify(t *testing.T) {
	w := newWorld(t)
	client := store.Client(w.endpoint)

	_, err := client.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: new(bucket), Key: new("vae/rotten.safetensors"), Body: strings.NewReader("other bytes"), Metadata: map[string]string{"sha256": strings.Repeat("0", 64)},
	})
	if err != nil {
		t.Fatal(err)
	}

	w.store.PutUnchecked(bucket, "vae/old.safetensors", store.Bytes([]byte("x")))

	code, out := w.run("verify")
	for _, want := range []string{"vae/rotten.safetensors: is damaged: its sha256 is", "vae/old.safetensors: has no checksum of the whole"} {
		if code != 1 || !strings.Contains(out, want) {
			t.Errorf("want %q, got %d: %s", want, code, out)
		}
	}
}

// source is a host of models, such as Hugging Face: it tells the hash where it sends
// on to the file.
func source(w *world, content string, hash string) string {
	mux := http.NewServeMux()
	mux.HandleFunc("/models/style.safetensors", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("X-Linked-Etag", `"`+hash+`"`)
		http.Redirect(rw, r, "/blob", http.StatusFound)
	})
	mux.HandleFunc("/blob", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("ETag", `"1"`)
		http.ServeContent(rw, r, "", time.Time{}, strings.NewReader(content))
	})

	s := httptest.NewTLSServer(mux)
	w.Cleanup(s.Close)

	file := filepath.Join(w.home, "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		w.Fatal(err)
	}

	w.env = append(w.env, "SSL_CERT_FILE="+file)

	return s.URL
}

// TestURL pushes from a host that tells size and hash, finds the same in a
// workflow, and refuses a host that lies.
func TestURL(t *testing.T) {
	w := newWorld(t)
	file, hash := w.file("style.safetensors", 9, 3<<20)

	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	host := source(w, string(content), hash)

	workflow := filepath.Join(w.home, "workflow.json")
	text := fmt.Sprintf(`{"nodes": [{"id": 4, "properties": {"models": [{"name": "style.safetensors", "directory": "loras", "url": "%s/models/style.safetensors"}]}}]}`, host)

	if err := os.WriteFile(workflow, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}

	code, out := w.run("from-workflow", workflow)
	for _, want := range []string{"missing  loras/style.safetensors  3.1 MB  node 4", "- path: loras/style.safetensors\n  sha256: " + hash + "\n  size: 3145728\n  url: " + host, "the studio lacks 1 of 1 models"} {
		if code != 6 || !strings.Contains(out, want) {
			t.Errorf("What is missing is told with all that a claim needs: want %q, got %d: %s", want, code, out)
		}
	}

	if code, out := w.run("push", host+"/models/style.safetensors", "--to", "loras"); code != 0 || w.hash("loras/style.safetensors") != hash {
		t.Errorf("It is pushed: %d: %s", code, out)
	}

	if code, out := w.run("from-workflow", workflow); code != 0 || !strings.Contains(out, "there  loras/style.safetensors") {
		t.Errorf("Then it is there: %d: %s", code, out)
	}

	if code, out := w.run("push", host+"/models/style.safetensors", "--as", "loras/two.safetensors", "--sha256", strings.Repeat("1", 64)); code != 1 || !strings.Contains(out, "the source says that its sha256 is "+hash) {
		t.Errorf("Another content than was said is refused: %d: %s", code, out)
	}

	if code, out := w.run("push", host+"/blob", "--as", "loras/three.safetensors"); code != 2 || !strings.Contains(out, "say --sha256") {
		t.Errorf("A host that tells no hash needs one: %d: %s", code, out)
	}
}
