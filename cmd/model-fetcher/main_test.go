package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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
