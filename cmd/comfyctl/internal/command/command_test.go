package command

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/cmd/comfyctl/internal/progress"
	"github.com/comfyui-studio/comfyui-studio/comfy"
	"github.com/comfyui-studio/comfyui-studio/internal/comfytest"
)

const (
	good  = `{"1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 7}}, "3": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "good"}}}`
	boom  = `{"1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 7}}, "2": {"class_type": "Boom", "inputs": {"image": ["1", 0], "steps": 1}}, "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}}}`
	half  = `{"1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 7}}, "3": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "half"}}, "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "y"}}}`
	model = `{"1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "nope.safetensors"}}, "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}}}`
	text  = `{"1": {"class_type": "PrimitiveString", "inputs": {"value": "hello"}}, "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}}}`
	load  = `{"1": {"class_type": "LoadImage", "inputs": {"image": "there.png"}}, "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "loaded"}}}`
)

func file(t *testing.T, content string) string {
	t.Helper()

	path := filepath.Join(t.TempDir(), "workflow.json")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}

	return path
}

func TestRun(t *testing.T) {
	cases := map[string]struct {
		reason, workflow string
		args             []string
		code             int
		out              string
		says             string
	}{
		"Good":    {"Each file is told by its path.", good, nil, 0, "DIR/good_00001_.png\n", "queued "},
		"Set":     {"What is set is used.", good, []string{"--set", "3.filename_prefix=other"}, 0, "DIR/other_00001_.png\n", "queued "},
		"Text":    {"Text is an output.", text, []string{"--set", "1.value=1984"}, 0, "1984\n", "queued "},
		"Boom":    {"A failure names the node.", boom, nil, exitFailed, "", "comfyctl: the workflow failed at node 2 (Boom): ValueError: boom"},
		"Half":    {"What is good is there, and what is left out is told.", half, nil, exitIncomplete, "DIR/half_00001_.png\n", "left out: node 9 (SaveImage): input images is missing"},
		"Model":   {"A model that is missing is named.", model, nil, exitRefused, "", `node 1 (CheckpointLoaderSimple): input ckpt_name is "nope.safetensors"`},
		"Page":    {"A workflow of the page is refused with what to do.", `{"nodes": [], "links": []}`, nil, exitRefused, "", "File > Export (API)"},
		"Flag":    {"A flag that is none is an error of usage.", good, []string{"--sed", "1"}, exitUsage, "", "unknown flag: --sed"},
		"Place":   {"A place that is none is an error of usage.", good, []string{"--set", "3.nope=1"}, exitUsage, "", "node 3 (SaveImage) has the inputs filename_prefix, images"},
		"Seed":    {"A seed that is none is an error of usage.", good, []string{"--seed", "-1"}, exitUsage, "", "--seed must be a number or random"},
		"Nothing": {"A workflow that is none is told.", "", nil, exitFailed, "", "cannot read the workflow"},
		"Input":   {"A file that is not there is told.", load, []string{"--input", "1.image=/nonexistent/x.png"}, exitFailed, "", "cannot read an input: open /nonexistent/x.png"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, address := comfytest.Start(t, comfytest.Options{})
			dir := t.TempDir()

			var out, log bytes.Buffer

			code := Main(t.Context(), append([]string{"run", file(t, tc.workflow), "--url", address, "-o", dir}, tc.args...), strings.NewReader(""), &out, &log)
			if code != tc.code || !strings.Contains(log.String(), tc.says) {
				t.Errorf("%s\nwant %d and %q, got %d and:\n%s", tc.reason, tc.code, tc.says, code, log.String())
			}

			if diff := cmp.Diff(tc.out, strings.ReplaceAll(out.String(), dir, "DIR")); diff != "" {
				t.Errorf("%s\n-want output, +got:\n%s", tc.reason, diff)
			}

			for line := range strings.Lines(out.String()) {
				if path, ok := strings.CutPrefix(strings.TrimSpace(line), dir); ok {
					if b, err := os.ReadFile(filepath.Join(dir, path)); err != nil || !bytes.HasPrefix(b, []byte("\x89PNG")) {
						t.Errorf("%s\n%s is no picture: %v", tc.reason, path, err)
					}
				}
			}

			if left, err := filepath.Glob(filepath.Join(dir, ".comfyctl-*")); err != nil || len(left) != 0 {
				t.Errorf("%s\nThere is %v left", tc.reason, left)
			}
		})
	}
}

// TestInput: a picture that a run made is what the next one loads, and a file that
// is there stays.
func TestInput(t *testing.T) {
	_, address := comfytest.Start(t, comfytest.Options{})
	dir := t.TempDir()

	var out, log bytes.Buffer

	if code := Main(t.Context(), []string{"run", file(t, good), "--url", address, "-o", dir}, strings.NewReader(""), &out, &log); code != 0 {
		t.Fatal(log.String())
	}

	made := strings.TrimSpace(out.String())
	before, err := os.ReadFile(made)
	if err != nil {
		t.Fatal(err)
	}

	for _, want := range []string{"loaded_00001_.png", "loaded_00001_-1.png"} {
		out.Reset()

		// The second time nothing runs, and the same file comes under a name of its own.
		if code := Main(t.Context(), []string{"run", file(t, load), "--url", address, "-o", dir, "--input", "1.image=" + made}, strings.NewReader(""), &out, &log); code != 0 {
			t.Fatal(log.String())
		}

		if got := filepath.Base(strings.TrimSpace(out.String())); got != want {
			t.Errorf("want %s, got %s", want, got)
		}
	}

	if !strings.Contains(log.String(), "loaded_00001_.png is from an earlier run") {
		t.Errorf("That nothing ran is not told:\n%s", log.String())
	}

	if after, err := os.ReadFile(made); err != nil || !bytes.Equal(before, after) {
		t.Errorf("%s is another now: %v", made, err)
	}
}

func TestJSON(t *testing.T) {
	_, address := comfytest.Start(t, comfytest.Options{})

	var out, log bytes.Buffer

	workflow := strings.Replace(good, `"color": 7`, `"color": 7, "seed": 1`, 1)
	if code := Main(t.Context(), []string{"run", file(t, workflow), "--url", address, "-o", t.TempDir(), "-n", "3", "--json"}, strings.NewReader(""), &out, &log); code != 0 {
		t.Fatal(log.String())
	}

	got := struct {
		Runs []finished `json:"runs"`
	}{}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || len(got.Runs) != 3 {
		t.Fatalf("%v: %s", err, out.String())
	}

	for _, r := range got.Runs {
		if r.State != comfy.Succeeded || len(r.Files) != 1 || r.Files[0].Cached || r.Files[0].Path == "" {
			t.Errorf("A run came to %+v: each has a seed of its own", r)
		}
	}
}

func TestQueue(t *testing.T) {
	server, address := comfytest.Start(t, comfytest.Options{})
	server.Hold()

	c, err := comfy.New(address)
	if err != nil {
		t.Fatal(err)
	}

	g, err := comfy.ParseGraph([]byte(good))
	if err != nil {
		t.Fatal(err)
	}

	id := comfy.NewID()
	if _, err := c.Submit(t.Context(), g, comfy.Submission{ID: id}); err != nil {
		t.Fatal(err)
	}

	steps := []struct {
		reason string
		args   []string
		code   int
		out    string
	}{
		{"What waits is counted.", []string{"status"}, 0, address + " answers; prompts waiting or running: 1\n"},
		{"What waits is listed.", []string{"queue"}, 0, id + "  waiting  2 nodes\n"},
		{"It is taken away.", []string{"cancel", id}, 0, id + " cancelled\n"},
		{"It cannot be taken away twice.", []string{"cancel", id}, exitFailed, ""},
		{"Nothing is left.", []string{"queue", "--output", "json"}, 0, "{\n  \"jobs\": []\n}\n"},
		{"Which one must be said.", []string{"cancel"}, exitUsage, ""},
	}
	for _, s := range steps {
		var out, log bytes.Buffer
		if code := Main(t.Context(), append(s.args, "--url", address), strings.NewReader(""), &out, &log); code != s.code || out.String() != s.out {
			t.Errorf("%s\nwant %d and %q, got %d and %q\n%s", s.reason, s.code, s.out, code, out.String(), log.String())
		}
	}
}

// TestTell: a node is told once, and a connection that is lost is no failure.
func TestTell(t *testing.T) {
	g, err := comfy.ParseGraph([]byte(good))
	if err != nil {
		t.Fatal(err)
	}

	var log bytes.Buffer

	r := running{bringing: bringing{tool: &tool{log: &log}}}
	tell := r.tell("id", g, progress.New(&log, false).Share("id"))

	for _, e := range []comfy.Event{
		{Kind: comfy.Executing, Node: "1"},
		{Kind: comfy.Progress, Node: "1"},
		{Kind: comfy.Disconnected},
		{Kind: comfy.Executing, Node: "1"},
		{Kind: comfy.Executing, Node: "3"},
	} {
		tell(e)
	}

	want := "id runs node 1 (EmptyImage)\nid goes on, and its progress is not known: the connection is lost\nid runs node 3 (SaveImage)\n"
	if diff := cmp.Diff(want, log.String()); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
}

// TestInterrupted: who stops waiting is told by the exit code.
func TestInterrupted(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()

	_, address := comfytest.Start(t, comfytest.Options{})

	var out, log bytes.Buffer
	if code := Main(ctx, []string{"run", file(t, good), "--url", address, "-o", t.TempDir()}, strings.NewReader(""), &out, &log); code != exitInterrupted {
		t.Errorf("want %d, got %d: %s", exitInterrupted, code, log.String())
	}
}
