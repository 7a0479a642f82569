package command

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/internal/comfytest"
)

// recorded are the workflows that a real server was recorded with.
func recorded(t *testing.T) map[string]string {
	t.Helper()

	b, err := os.ReadFile("../../../../internal/comfytest/testdata/recordings.json")
	if err != nil {
		t.Fatal(err)
	}

	all := struct {
		Recordings map[string]json.RawMessage `json:"recordings"`
	}{}
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}

	out := map[string]string{}

	for name, raw := range all.Recordings {
		r := struct {
			Request struct {
				Prompt json.RawMessage `json:"prompt"`
				ID     string          `json:"prompt_id"`
			} `json:"request"`
		}{}
		// What is no scenario is an answer of another form.
		if json.Unmarshal(raw, &r) == nil && r.Request.ID != "" {
			out[name] = string(r.Request.Prompt)
		}
	}

	return out
}

// canceller cancels a prompt, with another comfyctl, once it is told that the
// prompt's slow node runs.
type canceller struct {
	bytes.Buffer

	once   sync.Once
	cancel func(id string)
}

var runsNode = regexp.MustCompile(`(\S{36}) runs node \S+ \(SlowTick\)`)

func (c *canceller) Write(b []byte) (int, error) {
	if m := runsNode.FindSubmatch(b); m != nil && c.cancel != nil {
		c.once.Do(func() { go c.cancel(string(m[1])) })
	}

	return c.Buffer.Write(b)
}

// TestRecordings runs what a real server was recorded with, one after the other as
// then, and holds how comfyctl exits, what it says, and what it brings back.
func TestRecordings(t *testing.T) {
	dir := t.TempDir()
	server, address := comfytest.Start(t, comfytest.Options{Release: comfytest.Recorded, Directory: dir})

	// The real server had two files of this name from before.
	for _, name := range []string{"side_00001_.png", "side_00002_.png"} {
		if err := os.WriteFile(filepath.Join(dir, "output", name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	all := recorded(t)
	if len(all) != 12 {
		t.Fatalf("%d scenarios were recorded, and 12 are known", len(all))
	}

	cases := []struct {
		name, reason string
		code         int
		out          string
		says         string
	}{
		{"success", "All files of a batch are brought back.", 0, "OUT/rec_00001_.png\nOUT/rec_00002_.png\n", "queued "},
		{"cached", "Files of an earlier run are known as such.", 0, "OUT/rec_00001_.png\nOUT/rec_00002_.png\n", "rec_00001_.png is from an earlier run: the workflow is the same"},
		{"partial_validation_200", "The good output is there, and the other is told.", exitIncomplete, "OUT/rec_00003_.png\nOUT/rec_00004_.png\n", "left out: node 9 (SaveImage): input images is missing"},
		{"runtime_error_partial_output", "What was made before the failure is there.", exitFailed, "OUT/side_00003_.png\nOUT/side_00004_.png\n", "comfyctl: the workflow failed at node 2 (Boom): ValueError: boom"},
		{"interrupted", "A prompt that was stopped is told so.", exitFailed, "", "comfyctl: the prompt was cancelled"},
		{"missing_model_400", "The node, the input and the file are named.", exitRefused, "", `node 1 (CheckpointLoaderSimple): input ckpt_name is "nope.safetensors", which is not there: if it is a model, push it to the studio`},
		{"unknown_class_400", "The custom node is named.", exitRefused, "", "Cannot execute because node Nope does not exist (Node ID '#1'): the studio's image lacks the custom node"},
		{"no_outputs_400", "The server's words will do.", exitRefused, "", "comfyctl: the workflow is refused: Prompt has no outputs"},
		{"missing_input_image_400", "The file is named.", exitRefused, "", "node 1 (LoadImage): Custom validation failed for node: image - Invalid image file: zzz.png"},
		{"preview_any_text", "Text is an output.", 0, "hello\n", "queued "},
		{"core_only_success", "Files in subfolders are brought back, previews are not.", 0, "OUT/img_00001_.png\n", "queued "},
		{"animated_webp", "What moves is brought back.", 0, "OUT/anim_00001_.webp\n", "queued "},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			var out bytes.Buffer

			log := &canceller{}

			if tc.name == "interrupted" {
				server.HoldAt(5)
				defer server.Release()

				log.cancel = func(id string) {
					var text bytes.Buffer
					if code := Main(t.Context(), []string{"cancel", id, "--url", address}, strings.NewReader(""), &text, &text); code != 0 {
						t.Errorf("The prompt that runs cannot be cancelled: %s", text.String())
					}
				}
			}

			folder := t.TempDir()
			code := Main(t.Context(), []string{"run", file(t, all[tc.name]), "--url", address, "-o", folder}, strings.NewReader(""), &out, log)

			if code != tc.code || !strings.Contains(log.String(), tc.says) {
				t.Errorf("%s\nwant %d and %q, got %d and:\n%s", tc.reason, tc.code, tc.says, code, log.String())
			}

			if diff := cmp.Diff(tc.out, strings.ReplaceAll(out.String(), folder, "OUT")); diff != "" {
				t.Errorf("%s\n-want output, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
