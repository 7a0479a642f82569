package comfytest

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// recorded are the recordings' names, in the order in which the real server saw
// them: prompts are numbered, and files too.
func recorded() []string {
	return []string{
		"success", "cached", "partial_validation_200", "runtime_error_partial_output", "interrupted", "missing_model_400",
		"unknown_class_400", "no_outputs_400", "missing_input_image_400", "preview_any_text", "core_only_success", "animated_webp",
	}
}

// firstNumber is what the server was at when it was recorded.
const firstNumber = 21

type recording struct {
	Request  map[string]any `json:"request"`
	Status   json.Number    `json:"status"`
	Response any            `json:"response"`
	Events   []any          `json:"ws"`
	During   any            `json:"during"`
	History  any            `json:"history"`
}

// TestRecordings holds the double to what a real server answered, event for event.
func TestRecordings(t *testing.T) {
	all := recordings(t)
	order := []string{}
	c := newClient(t, Options{Release: Recorded, Arguments: []string{"--cpu"}, OutputOrder: func(ids []string) { copy(ids, order) }})
	c.server.counter = firstNumber

	// The real server had two files of this name from before.
	for _, name := range []string{"side_00001_.png", "side_00002_.png"} {
		if err := os.WriteFile(filepath.Join(c.server.directory(kindOutput), name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	for _, name := range recorded() {
		t.Run(name, func(t *testing.T) {
			want := read(t, all[name])
			order = outputsOf(want)
			got := c.replay(t, name, want)

			if diff := cmp.Diff(normal(want), normal(got)); diff != "" {
				t.Errorf("The double does what the real server did: -want, +got:\n%s", diff)
			}
		})
	}

	for _, path := range []string{"/features", "/system_stats", "/queue", "/prompt"} {
		var want any

		d := json.NewDecoder(strings.NewReader(string(all["GET "+path])))
		d.UseNumber()

		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}

		for _, form := range []string{path, "/api" + path} {
			if _, got := c.do("GET", form, nil); !cmp.Equal(want, got) {
				t.Errorf("GET %s: -want, +got:\n%s", form, cmp.Diff(want, got))
			}
		}
	}
}

// replay does what the recorder did.
func (c client) replay(t *testing.T, name string, want recording) recording {
	t.Helper()

	c.T = t
	got := recording{Request: want.Request}
	id, _ := want.Request["prompt_id"].(string)
	e := c.listen(want.Request["client_id"].(string))

	if name == "interrupted" {
		c.server.HoldAt(5)
		defer c.server.Release()
	}

	status, response := c.do("POST", "/prompt", want.Request)
	got.Status, got.Response = json.Number(strconv.Itoa(status)), response

	for status == http.StatusOK {
		kind, data := e.next()
		got.Events = append(got.Events, map[string]any{"type": kind, "data": data})

		if over(kind, data) {
			break
		}

		if name == "interrupted" && kind == "progress" && at(data, "value") == json.Number("5") {
			got.During = c.during(id)
		}
	}

	_, got.History = c.do("GET", "/history/"+id, nil)

	return got
}

// during is what the recorder asked while a prompt ran, before it stopped it.
func (c client) during(id string) any {
	c.Helper()

	_, queue := c.do("GET", "/queue", nil)
	_, prompt := c.do("GET", "/prompt", nil)
	status, _ := c.do("POST", "/interrupt", map[string]any{"prompt_id": id})

	return map[string]any{"queue": queue, "prompt_get": prompt, "interrupt_status": float64(status)}
}

func recordings(t *testing.T) map[string]json.RawMessage {
	t.Helper()

	b, err := os.ReadFile("testdata/recordings.json")
	if err != nil {
		t.Fatal(err)
	}

	out := struct {
		Recordings map[string]json.RawMessage `json:"recordings"`
	}{}
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}

	return out.Recordings
}

func read(t *testing.T, raw json.RawMessage) recording {
	t.Helper()

	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()

	out := recording{}
	if err := d.Decode(&out); err != nil {
		t.Fatal(err)
	}

	return out
}

// outputsOf is the order that the set of outputs had in the recorded process.
func outputsOf(r recording) []string {
	id, _ := r.Request["prompt_id"].(string)
	tuple, _ := at(r.History, id, "prompt").([]any)

	if len(tuple) == 5 {
		// One that is not sound is in the set too, and comes first or last.
		out := stringsOf(tuple[4])
		for node := range r.Request["prompt"].(map[string]any) {
			if at(r.Response, "node_errors", node) != nil {
				out = append(out, node)
			}
		}

		return out
	}

	return nil
}

var temporary = regexp.MustCompile(`ComfyUI_temp_[a-z]{5}_`)

// normal takes out what no two runs have in common: the time, what Python prints
// of a tensor and of where it was, and the order of sets.
func normal(v any) any {
	switch v := v.(type) {
	case recording:
		return map[string]any{"status": v.Status, "response": normal(v.Response), "events": normal(v.Events), "during": normal(v.During), "history": normal(v.History)}
	case []any:
		out := []any{}
		for _, e := range v {
			out = append(out, normal(e))
		}

		return out
	case map[string]any:
		out := map[string]any{}

		for k, e := range v {
			switch k {
			case "timestamp", "traceback", "current_inputs", "tooltip":
				e = "(" + k + ")"
			case "executed", "current_outputs":
				e = slices.Sorted(slices.Values(stringsOf(e)))
			}

			out[k] = normal(e)
		}

		return out
	case json.Number:
		f, _ := v.Float64()
		return f
	case string:
		return temporary.ReplaceAllString(v, "ComfyUI_temp_xxxxx_")
	}

	return v
}
