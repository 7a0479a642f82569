package comfytest

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRefusals holds what newer releases refuse, and the words for it.
func TestRefusals(t *testing.T) {
	cases := map[string]struct {
		reason string
		path   string
		body   string
		header string
		status int
		want   string
	}{
		"CrossSite":    {reason: "A page of another site gets nothing.", path: "/prompt", header: "cross-site", body: `{}`, status: 403},
		"SameOrigin":   {reason: "ComfyUI's own page does.", path: "/prompt", header: "same-origin", body: `{}`, status: 400, want: `"type":"no_prompt"`},
		"NoJSON":       {reason: "What is no JSON is a bare 500.", path: "/prompt", body: `x`, status: 500},
		"NoJSONQueue":  {reason: "There too.", path: "/queue", status: 500},
		"Capitals":     {reason: "An id has one spelling.", path: "/prompt", body: `{"prompt":` + quick + `,"prompt_id":"E4A3B178-B11F-4E6F-8B1C-B6BCB40A90C0"}`, status: 400, want: `"type":"invalid_prompt_id"`},
		"MissingClass": {reason: "A custom node that is not installed is named.", path: "/api/prompt", body: `{"prompt":{"1":{"class_type":"Gone","inputs":{}}}}`, status: 400, want: `"message":"Node 'Gone' not found. The custom node may not be installed."`},
		"Page":         {reason: "What the page saves is no prompt.", path: "/prompt", body: `{"prompt":{"nodes":[],"links":[]}}`, status: 400, want: `Node ID '#links'`},
		"Dangling": {
			reason: "A link to nowhere is an exception that says the id alone.", path: "/prompt", status: 400, want: `"details":"'77'"`,
			body: `{"prompt":{"2":{"class_type":"SaveImage","inputs":{"images":["77",0],"filename_prefix":"a"}}}}`,
		},
		"Mismatch": {
			reason: "Types are compared.", path: "/prompt", status: 400, want: `images, received_type(STRING) mismatch input_type(IMAGE)`,
			body: `{"prompt":{"1":{"class_type":"PrimitiveString","inputs":{"value":"a"}},"2":{"class_type":"SaveImage","inputs":{"images":["1",0],"filename_prefix":"a"}}}}`,
		},
		"TooSmall": {
			reason: "Numbers have bounds.", path: "/prompt", status: 400, want: `"type":"value_smaller_than_min"`,
			body: `{"prompt":` + strings.Replace(quick, `"width":8`, `"width":0`, 1) + `}`,
		},
	}

	c := newClient(t, Options{})

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url+tc.path, strings.NewReader(tc.body))
			if err != nil {
				t.Fatal(err)
			}

			req.Header.Set("Sec-Fetch-Site", tc.header)
			status, got := c.send(req)

			text, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}

			text = bytes.ReplaceAll(text, []byte(`\u0026`), []byte("&"))
			if status != tc.status || !strings.Contains(string(text), tc.want) {
				t.Errorf("%s\nwant %d with %s, got %d: %s", tc.reason, tc.status, tc.want, status, text)
			}
		})
	}
}

// TestFiles holds how files come in and go out.
func TestFiles(t *testing.T) {
	c := newClient(t, Options{})
	one, other := string(encoded(picture{1, 1, 1, colour(1)})), string(encoded(picture{2, 2, 1, colour(2)}))

	for i, tc := range []struct{ content, more, want string }{
		{one, "", "x.png"}, {one, "", "x.png"}, {other, "", "x (1).png"}, {other, "true", "x.png"},
	} {
		if got := c.upload("x.png", tc.content, tc.more); got != tc.want {
			t.Errorf("upload %d: want %s, got %s", i, tc.want, got)
		}
	}

	id := c.post(`{"1":{"class_type":"LoadImage","inputs":{"image":"x.png"}},"2":{"class_type":"SaveImage","inputs":{"images":["1",0],"filename_prefix":"sub/a"}}}`)
	c.history(id)

	for query, want := range map[string]int{
		"filename=a_00001_.png&subfolder=sub": 200, "filename=x.png&type=input": 200, "filename=a_00001_.png": 404, "filename=/etc/passwd": 400,
		"filename=../a": 400, "filename=a&subfolder=../..": 403, "filename=a&type=other": 400,
	} {
		if got, _ := c.do("GET", "/view?"+query, nil); got != want {
			t.Errorf("view %s: want %d, got %d", query, want, got)
		}
	}
}

func (c client) upload(name, content, overwrite string) string {
	c.Helper()

	var b bytes.Buffer

	w := multipart.NewWriter(&b)

	part, err := w.CreateFormFile("image", name)
	if err != nil {
		c.Fatal(err)
	}

	_, _ = part.Write([]byte(content))
	_ = w.WriteField("overwrite", overwrite)
	_ = w.Close()

	req, err := http.NewRequestWithContext(c.Context(), http.MethodPost, c.url+"/upload/image", &b)
	if err != nil {
		c.Fatal(err)
	}

	req.Header.Set("Content-Type", w.FormDataContentType())
	_, got := c.send(req)

	return at(got, "name").(string)
}

// TestOneDirectory holds what two servers with one output directory do to each
// other: the second writes over the first's picture.
func TestOneDirectory(t *testing.T) {
	shared := t.TempDir()
	a, b := newClient(t, Options{Output: shared}), newClient(t, Options{Output: shared})

	dir, _, name, n, err := a.server.place(kindOutput, "a", picture{})
	if err != nil {
		t.Fatal(err)
	}

	// Between a's look and its write.
	b.history(b.post(quick))

	if err := os.WriteFile(filepath.Join(dir, name+"_00001_.png"), []byte("a's"), 0o600); err != nil || n != 1 {
		t.Fatal(n, err)
	}

	if all, err := os.ReadDir(shared); err != nil || len(all) != 1 {
		t.Errorf("Two pictures were made and one is there: got %d, %v", len(all), err)
	}
}

// TestInternal holds that what the page alone needs is there without /api only, for
// whoever asks.
func TestInternal(t *testing.T) {
	c := newClient(t, Options{})

	for path, want := range map[string]int{
		"/internal/logs": 200, "/internal/logs/raw": 200, "/internal/folder_paths": 200, "/internal/files/output": 200, "/internal/files/etc": 400,
		"/api/internal/logs": 404,
	} {
		if got, _ := c.do("GET", path, nil); got != want {
			t.Errorf("%s: want %d, got %d", path, want, got)
		}
	}
}

// TestModels holds that a model is there as soon as its name is, and that a folder
// that is taken away breaks what asks for it.
func TestModels(t *testing.T) {
	c := newClient(t, Options{})
	folder := filepath.Join(c.server.options.Directory, "models", "loras")

	for _, name := range []string{"a.safetensors", "b.safetensors.part", "c.txt"} {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	if _, got := c.do("GET", "/models/loras", nil); !cmp.Equal([]any{"a.safetensors"}, got) {
		t.Errorf("Extensions say what a model is: got %v", got)
	}

	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}

	if got, _ := c.do("GET", "/models/loras", nil); got != http.StatusInternalServerError {
		t.Errorf("A folder that is gone: got %d", got)
	}
}

// TestJobs holds the newer form of what queue and history tell.
func TestJobs(t *testing.T) {
	c := newClient(t, Options{})
	done := c.post(quick)
	c.history(done)
	c.server.HoldAt(1)
	running := c.post(slow)
	c.until(func(s *Server) bool { return s.held })
	pending := c.post(named("2"))

	for id, want := range map[string]string{done: "completed", running: "in_progress", pending: "pending"} {
		if _, got := c.do("GET", "/api/jobs/"+id, nil); at(got, "status") != want {
			t.Errorf("A job that is %s: got %v", want, got)
		}
	}

	for id, want := range map[string]bool{pending: true, running: true, done: false, newID(): false} {
		if _, got := c.do("POST", "/api/jobs/"+id+"/cancel", nil); at(got, "cancelled") != want {
			t.Errorf("Cancelling %s: want %t, got %v", id, want, got)
		}
	}

	c.history(running)

	if _, got := c.do("GET", "/api/jobs?status=cancelled,completed&limit=1&sort_order=asc", nil); at(got, "pagination", "total") != json.Number("2") || len(at(got, "jobs").([]any)) != 1 {
		t.Errorf("A page of them: got %v", got)
	}

	if status, _ := c.do("GET", "/api/jobs/"+pending, nil); status != http.StatusNotFound {
		t.Errorf("What was taken out is unknown: got %d", status)
	}
}

// TestUserData holds that a slash in a name is part of it.
func TestUserData(t *testing.T) {
	c := newClient(t, Options{})
	c.do("POST", "/api/userdata/workflows%2Fmine.json", `{"a":1}`)

	if _, got := c.do("GET", "/userdata?dir=workflows", nil); !cmp.Equal([]any{"mine.json"}, got) {
		t.Errorf("It is in the folder: got %v", got)
	}

	if status, _ := c.do("GET", "/userdata/workflows/mine.json", nil); status == http.StatusOK {
		t.Error("A hop that unescapes a name breaks it.")
	}

	if status, _ := c.do("POST", "/userdata/workflows%2Fmine.json?overwrite=false", `{}`); status != http.StatusConflict {
		t.Errorf("It is not written over: got %d", status)
	}

	c.do("POST", "/settings/Comfy.Locale", `"ja"`)

	if _, got := c.do("GET", "/settings", nil); !cmp.Equal(map[string]any{"Comfy.Locale": "ja"}, got) {
		t.Errorf("Settings stay: got %v", got)
	}
}
