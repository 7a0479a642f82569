package comfytest

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWeightFree runs what needs no model: against the double, and against a real
// server where COMFYUI_URL names one. What holds for both holds for the double's
// users too.
func TestWeightFree(t *testing.T) {
	servers := map[string]func(*testing.T) client{
		"Double": func(t *testing.T) client { t.Helper(); return newClient(t, Options{}) },
		"Real": func(t *testing.T) client {
			t.Helper()

			url := os.Getenv("COMFYUI_URL")
			if url == "" {
				t.Skip("COMFYUI_URL names no real server, such as http://127.0.0.1:8188")
			}

			return client{T: t, url: strings.TrimRight(url, "/")}
		},
	}

	for name, open := range servers {
		t.Run(name, func(t *testing.T) {
			c := open(t)
			e := c.listen(newID())
			// Another colour each time, or a real server would repeat what it did.
			graph := strings.Replace(quick, `"color":7`, `"color":`+seed(), 1)
			id := c.post(graph, `"prompt_id":"`+newID()+`"`)
			e.next()

			done := c.history(id)
			if got := at(done, "status", "status_str"); got != "success" {
				t.Errorf("A picture is made and saved: got %v", got)
			}

			files, _ := at(done, "outputs", "2", "images").([]any)
			if len(files) != 1 {
				t.Fatalf("One file: got %v", files)
			}

			query := "filename=" + at(files[0], "filename").(string) + "&subfolder=&type=output"
			if status, _ := c.do("GET", "/api/view?"+query, nil); status != http.StatusOK {
				t.Errorf("It can be seen: got %d", status)
			}

			again := c.history(c.post(graph))
			if diff := cmp.Diff(at(done, "outputs"), at(again, "outputs")); diff != "" {
				t.Errorf("The same again names the file of before: -want, +got:\n%s", diff)
			}

			text := c.history(c.post(`{"1":{"class_type":"PrimitiveString","inputs":{"value":"hello"}},"2":{"class_type":"PreviewAny","inputs":{"source":["1",0]}}}`))
			if diff := cmp.Diff(map[string]any{"2": map[string]any{"text": []any{"hello"}}}, at(text, "outputs")); diff != "" {
				t.Errorf("Text is an output: -want, +got:\n%s", diff)
			}

			bad := strings.TrimSuffix(graph, "}") + `,"9":{"class_type":"SaveImage","inputs":{"filename_prefix":"x"}}}`
			if status, got := c.do("POST", "/prompt", `{"prompt":`+bad+`}`); status != http.StatusOK || at(got, "node_errors", "9") == nil {
				t.Errorf("Half of a graph is taken, and the other half told: got %d %v", status, got)
			}

			absent := `{"prompt":{"1":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"nope.safetensors"}},"2":{"class_type":"PreviewAny","inputs":{"source":["1",0]}}}}`
			if status, got := c.do("POST", "/prompt", absent); status != http.StatusBadRequest || at(got, "node_errors", "1") == nil {
				t.Errorf("A model that is not there: got %d %v", status, got)
			}

			if status, got := c.do("GET", "/object_info/NoSuchNode", nil); status != http.StatusOK || !cmp.Equal(map[string]any{}, got) {
				t.Errorf("A class that there is not is empty: got %d %v", status, got)
			}
		})
	}
}

// seed is a number below 2^24.
func seed() string { return strings.TrimLeft(strings.Map(onlyDigits, newID())+"0", "0")[:6] }

func onlyDigits(r rune) rune {
	if r < '0' || r > '9' {
		return '1'
	}

	return r
}
