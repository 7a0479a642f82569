package need

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWorkflow(t *testing.T) {
	graph := func(name string) string {
		b, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "comfy", "testdata", name))
		if err != nil {
			t.Fatal(err)
		}

		return string(b)
	}

	cases := map[string]struct {
		reason string
		text   string
		want   []Need
	}{
		"Flux": {
			reason: "Each input names its folder.",
			text:   graph("flux-dev.json"),
			want: []Need{
				{Model{Path: "diffusion_models/flux1-dev.safetensors"}, []string{"12"}},
				{Model{Path: "text_encoders/clip_l.safetensors"}, []string{"11"}},
				{Model{Path: "text_encoders/t5xxl_fp16.safetensors"}, []string{"11"}},
				{Model{Path: "vae/ae.safetensors"}, []string{"10"}},
			},
		},
		"Twice": {
			reason: "What two nodes name is needed once, and folders of Windows are folders.",
			text:   `{"1": {"class_type": "LoraLoader", "inputs": {"lora_name": "people\\x.safetensors"}}, "2": {"class_type": "LoraLoader", "inputs": {"lora_name": "people\\x.safetensors", "text": "a.png"}}}`,
			want:   []Need{{Model{Path: "loras/people/x.safetensors"}, []string{"1", "2"}}},
		},
		"Unknown": {
			reason: "A folder that is not known is not guessed.",
			text:   `{"1": {"class_type": "Custom", "inputs": {"thing": "x.safetensors"}}}`,
			want:   []Need{{Model{Path: "unknown/x.safetensors"}, []string{"1"}}},
		},
		"Page": {
			reason: "The page's form may say where its models are from, inside of nodes too.",
			text: `{"nodes": [{"id": 4, "type": "A", "properties": {"models": [{"name": "a.safetensors", "url": "https://h/a.safetensors?download=true", "directory": "vae", "hash": "AB", "hash_type": "SHA256"}]}}],
				"definitions": {"subgraphs": [{"nodes": [{"id": 9, "properties": {"models": [{"name": "b.safetensors", "url": "https://h/b", "directory": "loras"}]}}]}]}}`,
			want: []Need{
				{Model{Path: "loras/b.safetensors", URL: "https://h/b"}, []string{"9"}},
				{Model{Path: "vae/a.safetensors", URL: "https://h/a.safetensors", SHA256: "ab"}, []string{"4"}},
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := Workflow([]byte(tc.text))
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nWorkflow(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}

	if _, err := Workflow([]byte(`[]`)); err == nil {
		t.Error("What is no workflow is said so.")
	}
}

// TestCatalogue: what comes along can be used, and others' is added to it.
func TestCatalogue(t *testing.T) {
	own, err := Read("")
	if err != nil {
		t.Fatal(err)
	}

	for _, name := range own.Names() {
		for _, m := range own.Sets[name].Files {
			if !IsModel(m.Path) || (m.SHA256 != "" && len(m.SHA256) != 64) {
				t.Errorf("%s: %+v is no model", name, m)
			}
		}
	}

	file := filepath.Join(t.TempDir(), "catalogue.yaml")
	if err := os.WriteFile(file, []byte("sets: {mine: {files: [{path: unet/x.sft, url: https://h/x}]}}"), 0o600); err != nil {
		t.Fatal(err)
	}

	both, err := Read(file)
	if err != nil || len(both.Sets) != len(own.Sets)+1 {
		t.Fatalf("%v, %v", both.Names(), err)
	}

	if m, ok := both.Find("diffusion_models/x.sft"); !ok || m.URL != "https://h/x" {
		t.Errorf("unet is another name of diffusion_models: %v %v", m, ok)
	}

	if _, ok := both.Find("vae/x.sft"); ok {
		t.Error("A file of that name in another folder is another.")
	}

	if err := os.WriteFile(file, []byte("sets: {mine: {files: [{path: a/b}]}}"), 0o600); err != nil {
		t.Fatal(err)
	}

	if _, err := Read(file); err == nil {
		t.Error("A file without a source is a mistake.")
	}
}
