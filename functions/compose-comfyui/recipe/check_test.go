package recipe

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCheck holds that a server that cannot do what the claim asks for is no image.
// ComfyUI itself ends well when a custom node cannot be imported.
func TestCheck(t *testing.T) {
	cases := map[string]struct {
		reason string
		log    string
		exits  string
		want   string
	}{
		"Fine": {reason: "Every node was imported.", log: "Import times for custom nodes:\n   0.1 seconds: /opt/comfyui/custom_nodes/impact\n", exits: "0"},
		"NoNode": {
			reason: "The claim names what failed, and the log has why.", exits: "0",
			log:  "ModuleNotFoundError: No module named 'cv2'\n   0.0 seconds (IMPORT FAILED): /opt/comfyui/custom_nodes/impact\n   0.0 seconds (IMPORT FAILED): /opt/comfyui/custom_nodes/video\n",
			want: "spec.image.customNodes: cannot be imported: impact video",
		},
		"NoServer": {
			reason: "It did not even start.", log: "Traceback (most recent call last):\nImportError: libGL.so.1\n", exits: "1",
			want: "ComfyUI does not start: ImportError: libGL.so.1",
		},
	}

	script, err := filepath.Abs("comfyui/check.sh")
	if err != nil {
		t.Fatal(err)
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			a.write("log", tc.log)

			python := "#!/bin/bash\ncat " + a.dir + "/log\nexit " + tc.exits + "\n"
			if err := os.WriteFile(filepath.Join(a.dir, "python"), []byte(python), 0o700); err != nil {
				t.Fatal(err)
			}

			cmd := exec.CommandContext(t.Context(), "bash", script)
			cmd.Env = append(os.Environ(), "PATH="+a.dir+":"+os.Getenv("PATH"))

			out, err := cmd.CombinedOutput()
			if (err != nil) != (tc.want != "") {
				t.Fatalf("%s\n%v: %s", tc.reason, err, out)
			}

			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			if got := lines[len(lines)-1]; got != tc.want {
				t.Errorf("%s\nlast line: want %q, got %q", tc.reason, tc.want, got)
			}
		})
	}
}

// TestSBOM holds that an image says of everything in it where it is from.
func TestSBOM(t *testing.T) {
	a := newAccount(t)
	a.write("packages/numpy-2.5.5.dist-info/METADATA", "Metadata-Version: 2.1\nName: numpy\nVersion: 2.5.5\n")
	a.write("sources.json", `[{"name": "impact", "version": "1.0.0", "source": "https://registry/impact.zip", "sha256": "abc"}]`)
	a.write("dpkg-query", "#!/bin/bash\necho ffmpeg 7:5.1.6\n")

	if err := os.Chmod(filepath.Join(a.dir, "dpkg-query"), 0o700); err != nil {
		t.Fatal(err)
	}

	cmd := exec.CommandContext(t.Context(), "python3", "comfyui/sbom.py", a.dir+"/packages", a.dir+"/sources.json", a.dir+"/sbom.json")
	cmd.Env = append(os.Environ(), "PATH="+a.dir+":"+os.Getenv("PATH"))

	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}

	bom := struct {
		BOMFormat  string `json:"bomFormat"`
		Components []struct {
			Name    string `json:"name"`
			Version string `json:"version"`
			PURL    string `json:"purl"`
			Hashes  []struct {
				Content string `json:"content"`
			} `json:"hashes"`
		} `json:"components"`
	}{}
	if err := json.Unmarshal([]byte(a.read("sbom.json")), &bom); err != nil {
		t.Fatal(err)
	}

	var got []string
	for _, c := range bom.Components {
		words := []string{c.Name, c.Version, c.PURL}
		for _, h := range c.Hashes {
			words = append(words, h.Content)
		}

		got = append(got, strings.Join(words, " "))
	}

	want := []string{"impact 1.0.0  abc", "numpy 2.5.5 pkg:pypi/numpy@2.5.5", "ffmpeg 7:5.1.6 pkg:deb/debian/ffmpeg@7:5.1.6"}
	if bom.BOMFormat != "CycloneDX" || !slices.Equal(got, want) {
		t.Errorf("%s: want %q, got %q", bom.BOMFormat, want, got)
	}
}
