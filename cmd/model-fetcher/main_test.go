package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/modelsync/fetch"
)

// asProgram has the test's own binary be the fetcher.
const asProgram = "MODEL_FETCHER_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}

	os.Exit(m.Run())
}

const sum = "0000000000000000000000000000000000000000000000000000000000000001"

// bucket answers what the program asks of a bucket that holds one file of ours
// and one of somebody's own.
func bucket(t *testing.T) string {
	t.Helper()

	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.Path {
		case "HEAD /models/loras/ours":
			w.Header().Set("X-Amz-Meta-Sha256", sum)
			w.Header().Set("Content-Length", "7")
		case "HEAD /models/loras/mine":
			w.Header().Set("Content-Length", "7")
		default:
			t.Errorf("nobody asks for %s %s", r.Method, r.URL)
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
	}))
	t.Cleanup(s.Close)

	return s.URL
}

// run runs the program, and returns what it leaves behind and its last words.
func run(t *testing.T, url, manifest string, args ...string) (result map[string]string, words string, err error) {
	t.Helper()

	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}

	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}

	cmd := exec.CommandContext(t.Context(), self, append([]string{
		"--manifest=manifest.json", "--models=models", "--notes=s3://artefacts/fetches/", "--marker=s3://artefacts/markers/models/1", "--result=result.json",
	}, args...)...)
	cmd.Dir = dir
	cmd.Env = []string{asProgram + "=1", "AWS_ENDPOINT_URL_S3=" + url, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b"}
	out, err := cmd.CombinedOutput()

	if b, err := os.ReadFile(filepath.Join(dir, "result.json")); err == nil {
		if err := json.Unmarshal(b, &result); err != nil {
			t.Fatal(err)
		}
	}

	lines := strings.Split(strings.TrimSpace(string(out)), "\n")

	return result, lines[len(lines)-1], err
}

// TestProgram runs the fetcher as the build does.
func TestProgram(t *testing.T) {
	manifest := `{"files":[{"path":"loras/ours","url":"https://example.com/a","sha256":"` + sum + `","size":7},{"path":"loras/mine","url":"https://example.com/b","sha256":"` + sum + `","size":7}]}`

	got, words, err := run(t, bucket(t), manifest)
	if err != nil {
		t.Fatalf("a file that fails does not fail the build: %v: %s", err, words)
	}

	if diff := cmp.Diff(map[string]string{"state": "partial", "present": "1", "failures": "1:conflict"}, got); diff != "" {
		t.Errorf("result: -want, +got:\n%s", diff)
	}
}

// TestProgramRefuses holds what is said in the last line, which is what people
// read of a build that failed.
func TestProgramRefuses(t *testing.T) {
	cases := map[string]struct {
		manifest string
		args     []string
		want     string
	}{
		"NoJSON":   {manifest: "{", want: "cannot read the manifest: unexpected end of JSON input"},
		"NoFiles":  {manifest: "{}", want: "cannot fetch models: the manifest lists none"},
		"NoMarker": {manifest: `{"files":[{"path":"a/b"}]}`, args: []string{"--marker=markers/1"}, want: `cannot use --marker: "markers/1" is not s3://bucket/prefix`},
		"NoNotes":  {manifest: `{"files":[{"path":"a/b"}]}`, args: []string{"--notes=s3://artefacts"}, want: `cannot use --notes: "s3://artefacts" is not s3://bucket/prefix`},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			result, words, err := run(t, bucket(t), tc.manifest, tc.args...)
			if err == nil || words != tc.want || result != nil {
				t.Errorf("want %q, got %q with %v and result %v", tc.want, words, err, result)
			}
		})
	}
}

// TestTeller holds that a fetch that takes long tells what is known, under the
// marker's name, and that it is silent once it was stopped.
func TestTeller(t *testing.T) {
	var puts atomic.Int32

	told := make(chan http.Header, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)

		if r.Method != http.MethodPut || r.URL.Path != "/artefacts/markers/models/1" {
			t.Errorf("nobody asks for %s %s", r.Method, r.URL)
		}

		puts.Add(1)

		select {
		case told <- r.Header:
		default:
		}

		w.WriteHeader(http.StatusOK)
	}))
	t.Cleanup(s.Close)

	client := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: aws.String(s.URL), UsePathStyle: true, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})
	teller := newTeller(client, fetch.Location{Bucket: "artefacts", Prefix: "markers/models/1"}, slog.New(slog.DiscardHandler))

	teller.report(fetch.Result{Place: 3, Failure: fetch.Missing})
	teller.report(fetch.Result{Place: 0})

	stop := teller.every(t.Context(), 1)
	h := <-told

	stop()

	after := puts.Load()

	want := map[string]string{"state": "fetching", "present": "1", "failures": "3:missing"}
	got := map[string]string{"state": h.Get("X-Amz-Meta-State"), "present": h.Get("X-Amz-Meta-Present"), "failures": h.Get("X-Amz-Meta-Failures")}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("marker: -want, +got:\n%s", diff)
	}

	teller.report(fetch.Result{Place: 1})

	if puts.Load() != after {
		t.Error("It tells something after it was stopped, over what the build says in the end.")
	}
}
