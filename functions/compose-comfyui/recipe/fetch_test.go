package recipe

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A registry is the Comfy Registry and GitHub in one: a node archive, and two
// repositories on disk.
type registry struct {
	*httptest.Server

	archive          []byte
	comfyui, node    string
	release, commits string
}

func newRegistry(t *testing.T) *registry {
	t.Helper()

	r := &registry{}

	var b bytes.Buffer

	w := zip.NewWriter(&b)
	for _, name := range []string{"__init__.py", "requirements.txt"} {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}

		fmt.Fprintln(f, "# of the archive")
	}

	if err := w.Close(); err != nil {
		t.Fatal(err)
	}

	r.archive = b.Bytes()

	mux := http.NewServeMux()
	mux.HandleFunc("GET /nodes/impact/install", func(w http.ResponseWriter, q *http.Request) {
		if q.FormValue("version") != "1.0.0" {
			http.NotFound(w, q)
			return
		}

		fmt.Fprintf(w, `{"version": "1.0.0", "downloadUrl": %q}`, r.URL+"/archive.zip")
	})
	mux.HandleFunc("GET /archive.zip", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(r.archive) })
	r.Server = httptest.NewServer(mux)
	t.Cleanup(r.Close)

	r.comfyui, r.release = repositoryOf(t, "main.py", "v0.28.0")
	r.node, r.commits = repositoryOf(t, "nodes.py", "")

	return r
}

// repositoryOf makes a git repository with one file, and returns where it is and
// its commit.
func repositoryOf(t *testing.T, name, tag string) (at, commit string) {
	t.Helper()

	at = filepath.Join(t.TempDir(), "ComfyUI-Node")
	script := `git init -q "$0" && cd "$0" && echo x > "$1" && git add . &&
git -c user.name=a -c user.email=a@b commit -q -m a && { [ -z "$2" ] || git tag "$2"; } && git rev-parse HEAD`

	out, err := exec.CommandContext(t.Context(), "bash", "-c", script, at, name, tag).Output()
	if err != nil {
		t.Fatal(err)
	}

	return at, strings.TrimSpace(string(out))
}

// fetch runs the program of the image over a manifest, with r for the internet, and
// returns where it put things and its last line when it fails.
func (r *registry) fetch(t *testing.T, m comfyUI) (into, failure string) {
	t.Helper()

	program, err := filepath.Abs("comfyui")
	if err != nil {
		t.Fatal(err)
	}

	at := t.TempDir()
	into = filepath.Join(at, "out")

	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}

	if err := os.WriteFile(filepath.Join(at, "manifest.json"), b, 0o600); err != nil {
		t.Fatal(err)
	}

	cmd := exec.CommandContext(t.Context(), "python3", "-B", "-c",
		"import sys; sys.path.insert(0, sys.argv[1]); import fetch; fetch.COMFYUI, fetch.REGISTRY = sys.argv[2:4]; fetch.main('manifest.json', 'out')",
		program, r.comfyui, r.URL)
	cmd.Dir = at

	out, err := cmd.CombinedOutput()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return into, lines[len(lines)-1]
	}

	return into, ""
}

// TestFetch holds that an image is made of what was pinned, and that what cannot be
// had is named as the claim names it.
func TestFetch(t *testing.T) {
	r := newRegistry(t)
	release := comfyUIRelease{Version: "v0.28.0", Commit: r.release}
	other := strings.Repeat("0", 40)

	cases := map[string]struct {
		reason  string
		comfyui comfyUIRelease
		nodes   []customNode
		want    string
	}{
		"Everything": {
			reason: "A release, a node from git and one from the registry.", comfyui: release,
			nodes: []customNode{{Git: r.node, Commit: r.commits}, {ID: "impact", Version: "1.0.0", SHA256: sum(string(r.archive))}},
		},
		"MovedTag": {
			reason: "A tag that was moved is not the release.", comfyui: comfyUIRelease{Version: "v0.28.0", Commit: other},
			want: "spec.image.comfyui: tag v0.28.0 is commit " + r.release + ", not " + other,
		},
		"NoTag": {
			reason: "A release must be there.", comfyui: comfyUIRelease{Version: "v9.0.0"},
			want: "spec.image.comfyui: couldn't find remote ref refs/tags/v9.0.0",
		},
		"NoVersion": {
			reason: "The second node has the fault.", comfyui: release,
			nodes: []customNode{{ID: "impact", Version: "1.0.0"}, {ID: "impact2", Version: "2.0.0"}},
			want:  "spec.image.customNodes[1] (impact2 2.0.0): the Comfy Registry has no such node or version",
		},
		"OtherArchive": {
			reason: "What the registry has under a version may have changed.", comfyui: release,
			nodes: []customNode{{ID: "impact", Version: "1.0.0", SHA256: strings.Repeat("a", 64)}},
			want:  "spec.image.customNodes[0] (impact 1.0.0): the archive's sha256 is " + sum(string(r.archive)) + ", not " + strings.Repeat("a", 64),
		},
		"Manager": {
			reason: "What installs at run time is not in a studio.", comfyui: release,
			nodes: []customNode{{ID: "ComfyUI-Manager", Version: "1.0.0"}},
			want:  "spec.image.customNodes[0] (ComfyUI-Manager 1.0.0): it installs code at run time, and a studio builds everything into its image",
		},
		"Twice": {
			reason: "Two nodes cannot share a folder.", comfyui: release,
			nodes: []customNode{{ID: "impact", Version: "1.0.0"}, {ID: "impact", Version: "1.0.0"}},
			want:  "spec.image.customNodes[1] (impact 1.0.0): another custom node is called impact, too",
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			into, failure := r.fetch(t, comfyUI{ComfyUI: tc.comfyui, CustomNodes: tc.nodes})
			if diff := cmp.Diff(tc.want, failure); diff != "" {
				t.Fatalf("%s\nlast line: -want, +got:\n%s", tc.reason, diff)
			}

			if tc.want != "" {
				return
			}

			for _, name := range []string{"main.py", "custom_nodes/ComfyUI-Node/nodes.py", "custom_nodes/impact/__init__.py", "../sources.json"} {
				if _, err := os.Stat(filepath.Join(into, name)); err != nil {
					t.Errorf("%s\n%v", tc.reason, err)
				}
			}
		})
	}
}
