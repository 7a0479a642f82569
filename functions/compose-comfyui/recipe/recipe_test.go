package recipe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
)

const (
	repository = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/tokyo-comfyui"
	bucket     = "artefacts"
)

// An account is what a build sees of AWS, in a folder. The programs in
// testdata/bin play the commands that recipes call.
type account struct {
	*testing.T

	dir string
}

func newAccount(t *testing.T) account {
	t.Helper()

	a := account{T: t, dir: t.TempDir()}
	a.write("calls", "")

	return a
}

func (a account) write(name, content string) {
	a.Helper()

	at := filepath.Join(a.dir, name)
	if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
		a.Fatal(err)
	}

	if err := os.WriteFile(at, []byte(content), 0o600); err != nil {
		a.Fatal(err)
	}
}

func (a account) remove(name string) {
	a.Helper()

	if err := os.Remove(filepath.Join(a.dir, name)); err != nil {
		a.Fatal(err)
	}
}

func (a account) read(name string) string {
	a.Helper()

	b, err := os.ReadFile(filepath.Join(a.dir, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		a.Fatal(err)
	}

	return string(b)
}

// build runs what CodeBuild would run, and reports whether it ends well.
func (a account) build(name, recipe string, env ...string) bool {
	a.Helper()

	hash := sum(recipe)[:8]
	a.write("s3/"+bucket+"/contexts/"+name+"/"+hash+".json", recipe)

	return a.run(name, hash, env...)
}

func (a account) run(name, hash string, env ...string) bool {
	a.Helper()

	spec := struct {
		Phases struct {
			Build struct {
				Commands []string `json:"commands"`
			} `json:"build"`
		} `json:"phases"`
	}{}
	if err := yaml.Unmarshal([]byte(Buildspec()), &spec); err != nil {
		a.Fatal(err)
	}

	bin, err := filepath.Abs("testdata/bin")
	if err != nil {
		a.Fatal(err)
	}

	cmd := exec.CommandContext(context.Background(), "bash", "-c", strings.Join(spec.Phases.Build.Commands, "\n"))
	cmd.Env = append(append(os.Environ(),
		"PATH="+bin+":"+os.Getenv("PATH"), "CLOUD="+a.dir, "WORK="+a.TempDir(),
		"BUILD="+name, "BUCKET="+bucket, "KEY=contexts/"+name+"/"+hash+".json", "CODEBUILD_BUILD_URL=https://console/build/1"), env...)

	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		a.Fatal(err)
	}

	a.Logf("%s", out)

	return err == nil
}

// marker is what the build left behind.
func (a account) marker(name, recipe string) map[string]string {
	a.Helper()

	text := a.read("s3/" + bucket + "/markers/" + name + "/" + sum(recipe)[:8] + ".metadata")
	if text == "" {
		return nil
	}

	out := map[string]string{}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		a.Fatal(err)
	}

	return out
}

func (a account) count(call string) int {
	a.Helper()

	n := 0

	for line := range strings.Lines(a.read("calls")) {
		if strings.HasPrefix(line, call) {
			n++
		}
	}

	return n
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

func image() string {
	return ComfyUI(v1alpha1.Image{
		ComfyUI:     v1alpha1.ComfyUIRelease{Version: "v0.28.0"},
		CustomNodes: []v1alpha1.CustomNode{{ID: "a", Version: "1.0.0"}},
		PipPackages: []string{"b==2", "a==1"},
	})
}

// TestComfyUI goes through the lives of an image's build.
func TestComfyUI(t *testing.T) {
	done := map[string]string{"state": "done", "digest": "sha256:ours"}

	cases := map[string]struct {
		reason string
		given  func(a account, hash string)
		runs   []bool
		want   map[string]string
		builds int
	}{
		"First": {reason: "It is built, and its digest told.", runs: []bool{true}, want: done, builds: 1},
		"Again": {reason: "What is there is not built again.", runs: []bool{true, true}, want: done, builds: 1},
		"Broken": {
			reason: "A build that fails says its last words and where the rest is.",
			given:  func(a account, _ string) { a.write("broken", "") },
			runs:   []bool{false}, builds: 1,
			want: map[string]string{"state": "failed", "reason": "ERROR: no matching distribution found for a==9", "log": "https://console/build/1"},
		},
		"Race": {
			reason: "Tags do not change: who comes second takes what is there.",
			given:  func(a account, hash string) { a.write("race", repository+":"+hash) },
			runs:   []bool{true}, builds: 1, want: map[string]string{"state": "done", "digest": "sha256:theirs"},
		},
		"PushedAndNotTold": {
			reason: "A build that broke after its push is told by the next.",
			given: func(a account, hash string) {
				a.write("ecr/tokyo-comfyui/imageTag="+hash, "sha256:ours\n")
			},
			runs: []bool{true}, want: done,
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			if tc.given != nil {
				tc.given(a, sum(image())[:8])
			}

			for i, want := range tc.runs {
				if got := a.build("comfyui", image(), "REPOSITORY="+repository); got != want {
					t.Errorf("%s\nrun %d ends well: want %t, got %t", tc.reason, i, want, got)
				}
			}

			if diff := cmp.Diff(tc.want, a.marker("comfyui", image())); diff != "" {
				t.Errorf("%s\nmarker: -want, +got:\n%s", tc.reason, diff)
			}

			if got := a.count("docker build "); got != tc.builds {
				t.Errorf("%s\nbuilds: want %d, got %d", tc.reason, tc.builds, got)
			}
		})
	}
}

// TestImageGone holds that an image that the registry has let go is made anew, and
// that a failure of that does not take the marker of what was there.
func TestImageGone(t *testing.T) {
	a := newAccount(t)
	a.build("comfyui", image(), "REPOSITORY="+repository)

	if err := os.RemoveAll(filepath.Join(a.dir, "ecr")); err != nil {
		t.Fatal(err)
	}

	a.write("broken", "")

	if a.build("comfyui", image(), "REPOSITORY="+repository) {
		t.Error("A build that fails fails.")
	}

	if got := a.marker("comfyui", image())["state"]; got != "done" {
		t.Errorf("What was built once is not told as failed: got %q", got)
	}

	a.remove("broken")

	if !a.build("comfyui", image(), "REPOSITORY="+repository) || a.count("docker push ") != 2 {
		t.Error("It is built and pushed again.")
	}

	if a.count("locked") != 1 {
		t.Error("It is made of the packages that the first build found.")
	}
}

// TestOtherContext holds that a build takes nothing for what its name does not say.
func TestOtherContext(t *testing.T) {
	a := newAccount(t)
	a.write("s3/"+bucket+"/contexts/comfyui/0a1b2c3d.json", image())

	if a.run("comfyui", "0a1b2c3d", "REPOSITORY="+repository) || a.count("docker") > 0 {
		t.Error("Whoever replaces a context changes nobody's image.")
	}
}

// TestPinned holds the recipe of the smallest image to its hash. Whoever changes a
// recipe has every studio build its image anew and roll its servers, so this
// changes on purpose only.
func TestPinned(t *testing.T) {
	got := map[string]string{
		"comfyui": sum(ComfyUI(v1alpha1.Image{ComfyUI: v1alpha1.ComfyUIRelease{Version: "v0.28.0"}}))[:8],
		"agent":   sum(Agent(Release{Image: "a", Digest: "b", NodeDaemonSHA256: "c", LambdaSHA256: "d", ModelFetcherSHA256: "e"}))[:8],
		"models":  sum(Models([]Model{{Path: "a/b", URL: "https://c/d", SHA256: "e", Size: 1}}))[:8],
	}
	want := map[string]string{"comfyui": "5ebeff8b", "agent": "63d191d7", "models": "f74348d1"}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("recipes: -want, +got:\n%s", diff)
	}
}

// TestFetchCompiles holds the program inside the image to be one.
func TestFetchCompiles(t *testing.T) {
	out, err := exec.CommandContext(context.Background(), "python3", "-c", "import ast,sys; ast.parse(open('comfyui/fetch.py').read())").CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
