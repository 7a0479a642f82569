package comfy

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/comfyui-studio/comfyui-studio/internal/comfytest"
)

// TestRecordings runs what a real server was recorded with, and wants of each what
// that server's history says.
func TestRecordings(t *testing.T) {
	w := newWorld(t, comfytest.Options{Release: comfytest.Recorded}, nil)

	// The real server had two files of this name from before.
	for _, name := range []string{"side_00001_.png", "side_00002_.png"} {
		if err := os.WriteFile(filepath.Join(w.dir, "output", name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	all := recordings(t)
	if len(all) != 12 {
		t.Fatalf("%d scenarios were recorded, and 12 are known", len(all))
	}

	cases := []struct {
		name, reason string
		// want is what the error says, where there is one.
		want    string
		dropped []string
	}{
		{name: "success", reason: "All files of a batch are there."},
		{name: "cached", reason: "The files of an earlier run are known as such."},
		{name: "partial_validation_200", reason: "The good output ran, and the other is told.", dropped: []string{"node 9 (SaveImage): input images is missing"}},
		{
			name: "runtime_error_partial_output", reason: "What was made before the failure is there.",
			want: "the workflow failed at node 2 (Boom): ValueError: boom",
		},
		{name: "interrupted", reason: "A prompt that was stopped has not failed.", want: "the prompt was cancelled"},
		{
			name: "missing_model_400", reason: "The node, the input and the file are named.",
			want: "the workflow is refused:\n  node 1 (CheckpointLoaderSimple): input ckpt_name is \"nope.safetensors\", which is not there: if it is a model, push it to the studio (ckpt_name: 'nope.safetensors' not in [])",
		},
		{
			name: "unknown_class_400", reason: "The custom node is named.",
			want: "the workflow is refused: Cannot execute because node Nope does not exist (Node ID '#1'): the studio's image lacks the custom node",
		},
		{name: "no_outputs_400", reason: "The server's words will do.", want: "the workflow is refused: Prompt has no outputs"},
		{
			name: "missing_input_image_400", reason: "The file is named.",
			want: "the workflow is refused:\n  node 1 (LoadImage): Custom validation failed for node: image - Invalid image file: zzz.png",
		},
		{name: "preview_any_text", reason: "Text is an output."},
		{name: "core_only_success", reason: "Subfolders and previews are told."},
		{name: "animated_webp", reason: "What is beside the files is no output."},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			want := all[tc.name]

			got, err := replay(t, w, tc.name, want)
			if got != nil {
				err = got.Err()
			}

			text := ""
			if err != nil {
				text = err.Error()
			}

			if diff := cmp.Diff(tc.want, text); diff != "" {
				t.Errorf("%s\n-want error, +got:\n%s", tc.reason, diff)
			}

			refusal := (*RefusedError)(nil)
			if refused := errors.As(err, &refusal); refused != (want.Status == 400) {
				t.Fatalf("%s\nThe server answered %d, and the client says: %v", tc.reason, want.Status, err)
			}

			if want.Status == 400 {
				return
			}

			if diff := cmp.Diff(tc.dropped, got.Dropped.Lines(), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s\n-want dropped, +got:\n%s", tc.reason, diff)
			}

			opts := cmp.Options{cmpopts.EquateEmpty(), cmpopts.IgnoreFields(Result{}, "Took", "Dropped"), cmp.Transformer("temporary", temporaryName)}
			if diff := cmp.Diff(want.History[want.Request.ID].result(want.Request.ID), got, opts); diff != "" {
				t.Errorf("%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func replay(t *testing.T, w *world, name string, r recording) (*Result, error) {
	t.Helper()

	c := w.client()
	run := Run{ID: r.Request.ID}

	if name == "interrupted" {
		w.server.Load().HoldAt(5)
		defer w.server.Load().Release()

		run.OnEvent = func(e Event) {
			if e.Kind != Progress || e.Value != 5 {
				return
			}

			if found, err := c.Cancel(t.Context(), r.Request.ID); err != nil || !found {
				t.Errorf("The prompt that runs cannot be cancelled: %v %v", found, err)
			}
		}
	}

	return c.Run(t.Context(), r.Request.Prompt, run)
}

var temporary = regexp.MustCompile(`ComfyUI_temp_[a-z]{5}_`)

// temporaryName takes out what is another in each run.
func temporaryName(f File) map[string]any {
	return map[string]any{
		"name": temporary.ReplaceAllString(f.Name, "ComfyUI_temp_xxxxx_"), "node": f.Node, "kind": f.Kind,
		"subfolder": f.Subfolder, "type": f.Type, "cached": f.Cached,
	}
}

// TestResult holds what only recordings say: the times and what was cached.
func TestResult(t *testing.T) {
	all := recordings(t)

	cached := all["cached"]
	got := cached.History[cached.Request.ID].result(cached.Request.ID)

	if diff := cmp.Diff([]string{"1", "2", "3"}, got.Cached); diff != "" {
		t.Errorf("-want cached, +got:\n%s", diff)
	}

	for _, f := range got.Files {
		if !f.Cached {
			t.Errorf("%s was made by an earlier prompt, and counts as new", f.Name)
		}
	}

	success := all["success"]
	if r := success.History[success.Request.ID].result(success.Request.ID); r.Took != 168*time.Millisecond || len(r.Files) != 2 || r.Files[0].Cached {
		t.Errorf("a prompt that ran for 168 ms and made two files is %+v", r)
	}
}
