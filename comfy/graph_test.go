package comfy

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseGraph(t *testing.T) {
	cases := map[string]struct {
		reason string
		text   string
		nodes  []string
		want   string
	}{
		"API":      {reason: "What ComfyUI exports is taken.", text: `{"6": {"class_type": "A", "inputs": {}}, "57:8": {"class_type": "B", "inputs": {}}}`, nodes: []string{"57:8", "6"}},
		"Posted":   {reason: "So is what programs post.", text: `{"client_id": "x", "prompt": {"1": {"class_type": "A", "inputs": {}}}}`, nodes: []string{"1"}},
		"Prompt":   {reason: "A node may have any id.", text: `{"prompt": {"class_type": "A", "inputs": {}}}`, nodes: []string{"prompt"}},
		"Page":     {reason: "What the page saves is refused with what to do.", text: `{"nodes": [], "links": []}`, want: ErrPageForm.Error()},
		"Marked":   {reason: "Windows puts a mark before text.", text: "\ufeff" + `{"1": {"class_type": "A"}}`, nodes: []string{"1"}},
		"No class": {reason: "A node that is none is named.", text: `{"1": {"inputs": {}}}`, want: `cannot read the workflow: "1" is no node, as it has no class_type`},
		"Empty":    {reason: "Nothing is not run.", text: `{}`, want: "cannot read the workflow: it has no nodes"},
		"Text":     {reason: "What is no JSON is said so.", text: `hello`, want: "cannot read the workflow: it is neither a JSON object nor a PNG: invalid character 'h' looking for beginning of value"},
		"PNG":      {reason: "A picture carries the graph that made it.", text: pngOf("tEXt", "prompt\x00"+`{"1": {"class_type": "A"}}`), nodes: []string{"1"}},
		"PNG i":    {reason: "Other tools write it in another form.", text: pngOf("iTXt", "prompt\x00\x00\x00\x00\x00"+`{"1": {"class_type": "A"}}`), nodes: []string{"1"}},
		"Bare PNG": {reason: "A picture without one is said so.", text: pngOf("tEXt", "Comment\x00x"), want: `cannot find a workflow in the picture: it has no text "prompt", which ComfyUI writes unless it is told not to`},
		"Cut PNG":  {reason: "A picture that is cut short is no crash.", text: pngOf("tEXt", "prompt\x00{}")[:20], want: `cannot find a workflow in the picture: it has no text "prompt", which ComfyUI writes unless it is told not to`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			g, err := ParseGraph([]byte(tc.text))

			text := ""
			if err != nil {
				text = err.Error()
			}

			if diff := cmp.Diff(tc.want, text); diff != "" {
				t.Errorf("%s\n-want error, +got:\n%s", tc.reason, diff)
			}

			if diff := cmp.Diff(tc.nodes, g.IDs()); diff != "" {
				t.Errorf("%s\n-want nodes, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func pngOf(kind, data string) string {
	var b bytes.Buffer

	b.Write(pngHead)
	b.Write(binary.BigEndian.AppendUint32(nil, uint32(len(data))))
	b.WriteString(kind + data)
	b.Write(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(kind+data))))

	return b.String()
}

// TestRoundTrip: graphs of real studios come out with every number as it was written.
func TestRoundTrip(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 5 {
		t.Fatal("there are too few graphs", files, err)
	}

	files = append(files, "../cmd/comfyctl/internal/smoke/sdxl-base-refiner.json")

	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			in, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}

			g := graphOf(t, string(in))
			if err := g.Clone().Set("SaveImage.filename_prefix", "<patched> & more"); err != nil {
				t.Error(err)
			}

			out, err := encode(g)
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(exact(t, in), exact(t, out)); diff != "" {
				t.Errorf("-want, +got:\n%s", diff)
			}
		})
	}
}

func exact(t *testing.T, b []byte) any {
	t.Helper()

	var out any

	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()

	if err := d.Decode(&out); err != nil {
		t.Fatal(err)
	}

	return out
}

func TestSet(t *testing.T) {
	const text = `{
		"6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a", "clip": ["4", 1]}, "_meta": {"title": "Positive"}},
		"7": {"class_type": "CLIPTextEncode", "inputs": {"text": "b", "clip": ["4", 1]}},
		"3": {"class_type": "KSampler", "inputs": {"seed": 18446744073709551615, "cfg": 8.0}}
	}`

	cases := map[string]struct {
		reason, place string
		value         any
		node, input   string
		want, fails   string
	}{
		"Text":      {reason: "Text needs no quotes.", place: "6.text", value: json.RawMessage(`a cat`), node: "6", input: "text", want: `"a cat"`},
		"Digits":    {reason: "Text stays text, whatever is in it.", place: "6.text", value: json.RawMessage(`1984`), node: "6", input: "text", want: `"1984"`},
		"Title":     {reason: "A node is known by its title.", place: "Positive.text", value: "x", node: "6", input: "text", want: `"x"`},
		"Class":     {reason: "A node is known by its class if no other is of it.", place: "KSampler.cfg", value: json.RawMessage(`7.50`), node: "3", input: "cfg", want: `7.50`},
		"Large":     {reason: "No digit of a seed is lost.", place: "3.seed", value: json.RawMessage(`18446744073709551614`), node: "3", input: "seed", want: `18446744073709551614`},
		"Link":      {reason: "A link is a value.", place: "7.clip", value: json.RawMessage(`["9", 0]`), node: "7", input: "clip", want: `["9",0]`},
		"No input":  {reason: "What inputs there are is told.", place: "3.steps", fails: "cannot set 3.steps: node 3 (KSampler) has the inputs cfg, seed"},
		"No node":   {reason: "What nodes there are is told.", place: "9.text", fails: `cannot set 9.text: the workflow has no node "9", but 3, 6, 7`},
		"Two nodes": {reason: "Which of them is not guessed.", place: "CLIPTextEncode.text", fails: `cannot set CLIPTextEncode.text: the nodes 6, 7 are all called "CLIPTextEncode": use an id`},
		"No place":  {reason: "A place has two parts.", place: "text", fails: `cannot set "text": it must be like 6.text`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			g := graphOf(t, text)

			fails := ""
			if err := g.Set(tc.place, tc.value); err != nil {
				fails = err.Error()
			}

			if diff := cmp.Diff(tc.fails, fails); diff != "" {
				t.Errorf("%s\n-want error, +got:\n%s", tc.reason, diff)
			}

			if got := string(g[tc.node].Inputs[tc.input]); got != tc.want {
				t.Errorf("%s\nwant %s, got %s", tc.reason, tc.want, got)
			}
		})
	}
}

func TestSeed(t *testing.T) {
	g := graphOf(t, `{
		"1": {"class_type": "A", "inputs": {"seed": 1}}, "2": {"class_type": "B", "inputs": {"noise_seed": 2}}, "3": {"class_type": "C", "inputs": {"seed": ["1", 0]}}
	}`)

	if n := g.Seed(18446744073709551615); n != 2 {
		t.Errorf("%d seeds are set, and two are not linked", n)
	}

	got := []string{string(g["1"].Inputs["seed"]), string(g["2"].Inputs["noise_seed"]), string(g["3"].Inputs["seed"])}
	if !slices.Equal(got, []string{"18446744073709551615", "18446744073709551615", `["1", 0]`}) {
		t.Errorf("The seeds are %v", got)
	}

	for range 100 {
		if s, err := RandomSeed(); err != nil || s > mostSeed {
			t.Fatalf("a seed of %d, %v", s, err)
		}
	}
}

func TestNodeErrors(t *testing.T) {
	cases := map[string]struct{ reason, text, want string }{
		"Old":     {"Old servers send a list for none.", `[]`, ""},
		"Options": {"What is allowed is told.", `{"5": {"class_type": "K", "errors": [{"type": "value_not_in_list", "extra_info": {"input_name": "sampler", "received_value": "x", "input_config": [["euler", "dpm"], {}]}}]}}`, `node 5 (K): input sampler is "x", which is not there: use one of euler, dpm`},
		"New":     {"Newer servers write options elsewhere.", `{"5": {"class_type": "K", "errors": [{"type": "value_not_in_list", "extra_info": {"input_name": "sampler", "received_value": "x", "input_config": ["COMBO", {"options": ["euler"]}]}}]}}`, `node 5 (K): input sampler is "x", which is not there: use one of euler`},
		"Bound":   {"The bound is told.", `{"57:8": {"class_type": "K", "errors": [{"type": "value_bigger_than_max", "extra_info": {"input_name": "seed", "received_value": 18446744073709551616, "input_config": ["INT", {"min": 0, "max": 18446744073709551615}]}}]}}`, "node 57:8 (K): input seed is 18446744073709551616, and must be at most 18446744073709551615"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			var n NodeErrors
			if err := json.Unmarshal([]byte(tc.text), &n); err != nil {
				t.Fatal(err)
			}

			if got := strings.Join(n.Lines(), "\n"); got != tc.want {
				t.Errorf("%s\nwant %s\ngot  %s", tc.reason, tc.want, got)
			}
		})
	}
}

// TestPageForm lets callers tell it apart.
func TestPageForm(t *testing.T) {
	if _, err := ParseGraph([]byte(`{"nodes": [1]}`)); !errors.Is(err, ErrPageForm) {
		t.Errorf("want %v, got %v", ErrPageForm, err)
	}
}
