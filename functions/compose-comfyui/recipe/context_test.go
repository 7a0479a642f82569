package recipe

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden is a recipe as a reviewer reads it: what is of the claim in full, and of
// what is the same for all claims the hash.
type golden struct {
	Hash         string            `json:"hash"`
	Manifest     json.RawMessage   `json:"manifest"`
	Requirements []string          `json:"requirements"`
	Files        map[string]string `json:"files"`
}

// TestContexts holds the contexts of five claims to the bytes that they had on
// another machine. One that changes for nothing rebuilds somebody's image.
func TestContexts(t *testing.T) {
	const commit = "4f5f8b3a1e0c2d9b7a6f5e4d3c2b1a0987654321"

	release := v1alpha1.ComfyUIRelease{Version: "v0.28.0"}

	cases := map[string]v1alpha1.Image{
		"plain": {ComfyUI: release},
		"custom-nodes": {ComfyUI: release, CustomNodes: []v1alpha1.CustomNode{
			{Git: "https://github.com/kijai/ComfyUI-KJNodes", Commit: commit},
			{Git: "https://github.com/Kosinkadink/ComfyUI-VideoHelperSuite/", Commit: strings.Repeat("0a", 20)},
		}},
		"pip-packages": {ComfyUI: release, PipPackages: []string{"xformers==0.0.33", "opencv-python-headless==4.12.0.88", "insightface[onnx]==0.7.3"}},
		"registry-nodes": {ComfyUI: release, CustomNodes: []v1alpha1.CustomNode{
			{ID: "comfyui-impact-pack", Version: "8.22.2", SHA256: strings.Repeat("5e", 32)},
			{ID: "comfyui-custom-scripts", Version: "1.2.5", SHA256: strings.Repeat("b7", 32)},
		}},
		"other-release": {ComfyUI: v1alpha1.ComfyUIRelease{Version: "v0.31.2", Commit: commit}},
	}

	for name, image := range cases {
		t.Run(name, func(t *testing.T) {
			text := ComfyUI(image)
			if again := ComfyUI(image); again != text {
				t.Error("The same claim has the same bytes.")
			}

			got, err := yaml.Marshal(readable(t, text))
			if err != nil {
				t.Fatal(err)
			}

			file := filepath.Join("testdata", "contexts", name+".yaml")
			if *update {
				if err := os.WriteFile(file, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}

			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("%s: -want, +got:\n%s", file, diff)
			}
		})
	}
}

func readable(t *testing.T, recipe string) golden {
	t.Helper()

	d := struct {
		Manifest json.RawMessage   `json:"manifest"`
		Files    map[string]string `json:"files"`
	}{}
	if err := json.Unmarshal([]byte(recipe), &d); err != nil {
		t.Fatal(err)
	}

	out := golden{
		Hash: sum(recipe)[:8], Manifest: d.Manifest, Requirements: strings.Fields(d.Files["requirements.txt"]), Files: map[string]string{},
	}

	for name, content := range d.Files {
		out.Files[name] = sum(content)
	}

	return out
}
