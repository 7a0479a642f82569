package comfytest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
)

const (
	quick = `{"1":{"class_type":"EmptyImage","inputs":{"width":8,"height":8,"batch_size":1,"color":7}},"2":{"class_type":"SaveImage","inputs":{"images":["1",0],"filename_prefix":"a"}}}`
	slow  = `{"1":{"class_type":"EmptyImage","inputs":{"width":8,"height":8,"batch_size":1,"color":1}},"2":{"class_type":"SlowTick","inputs":{"image":["1",0],"steps":3,"delay":0}},"3":{"class_type":"SaveImage","inputs":{"images":["2",0],"filename_prefix":"s"}}}`
)

// named is the slow graph with another colour, so that none is a repetition.
func named(color string) string { return strings.Replace(slow, `"color":1`, `"color":`+color, 1) }

// TestDeafSocket holds what a client that comes back too early hears: nothing, not
// even of the queue.
func TestDeafSocket(t *testing.T) {
	c := newClient(t, Options{})
	old := c.listen("me")
	again := c.listen("me")

	if err := old.conn.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Fatal(err)
	}

	c.until(func(s *Server) bool { return s.left == 1 })
	witness := c.listen("other")
	c.history(c.post(quick, `"client_id":"me"`))
	witness.until(func(kind string, data any) bool {
		return kind == "status" && at(data, "status", "exec_info", "queue_remaining") == json.Number("0") && at(data, "sid") == nil
	})

	third := c.listen("me")
	c.history(c.post(named("2"), `"client_id":"me"`))
	third.until(over)

	// Events reach a socket in their order: with one that is answered now, whatever
	// it was told before would have come first.
	if err := again.conn.Write(t.Context(), websocket.MessageText, []byte(`{"type":"feature_flags","data":{}}`)); err != nil {
		t.Fatal(err)
	}

	again.next()

	if kind, data := again.next(); kind != "feature_flags" {
		t.Errorf("A socket that its predecessor took along hears nothing: got %s %v", kind, data)
	}
}

// until waits for a state of the double.
func (c client) until(f func(*Server) bool) {
	c.Helper()

	c.server.mu.Lock()
	defer c.server.mu.Unlock()

	for !f(c.server) {
		c.server.changed.Wait()
	}
}

// TestWhoHears holds that a prompt's events are its client's, and everybody's
// where it has none.
func TestWhoHears(t *testing.T) {
	cases := map[string]struct {
		reason string
		extra  string
		want   []string
	}{
		"Mine": {
			reason: "Of somebody else's prompt only the queue is heard.", extra: `"client_id":"other"`,
			want: []string{"status"},
		},
		"Nobodys": {
			reason: "Progress of a prompt without a client is heard by all.", extra: `"extra_data":{}`,
			want: []string{"progress", "progress_state", "status", "executed"},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, Options{})
			e := c.listen("me")
			c.history(c.post(slow, tc.extra))

			heard := e.until(func(kind string, data any) bool {
				return kind == "status" && at(data, "status", "exec_info", "queue_remaining") == json.Number("0") && at(data, "sid") == nil
			})
			slices.Sort(heard)
			slices.Sort(tc.want)

			if diff := cmp.Diff(tc.want, slices.Compact(heard)); diff != "" {
				t.Errorf("%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestQueue holds the order of the queue, and what may be taken out of it.
func TestQueue(t *testing.T) {
	c := newClient(t, Options{})
	c.server.HoldAt(1)

	running := c.post(slow)
	c.until(func(s *Server) bool { return s.held })

	first, second := c.post(named("2")), c.post(named("3"))
	front := c.post(named("4"), `"front":true`)
	urgent := c.post(named("5"), `"number":-100.5`)
	gone := c.post(named("6"))

	if _, got := c.do("GET", "/history/"+running, nil); !cmp.Equal(map[string]any{}, got) {
		t.Errorf("What runs has no history: got %v", got)
	}

	if status, _ := c.do("POST", "/queue", `{"delete":["`+gone+`","`+running+`","never"]}`); status != http.StatusOK {
		t.Errorf("Taking out what is not there is no error: got %d", status)
	}

	_, queue := c.do("GET", "/queue", nil)

	var ids []string
	for _, e := range at(queue, "queue_pending").([]any) {
		ids = append(ids, e.([]any)[1].(string))
	}

	if diff := cmp.Diff([]string{urgent, front, first, second}, ids); diff != "" {
		t.Errorf("The lowest number is first: -want, +got:\n%s", diff)
	}

	if _, got := c.do("GET", "/prompt", nil); at(got, "exec_info", "queue_remaining") != json.Number("5") {
		t.Errorf("What runs is counted too: got %v", got)
	}

	c.server.Release()

	for _, id := range append(ids, running) {
		c.history(id)
	}

	c.do("POST", "/queue", `{"clear":true}`)
	c.do("POST", "/history", `{"clear":true}`)

	if _, got := c.do("GET", "/history", nil); !cmp.Equal(map[string]any{}, got) {
		t.Errorf("A history that was cleared is empty: got %v", got)
	}
}

// TestInterruptsAnybody holds that an interrupt without a body stops whatever runs,
// and one with another's id nothing.
func TestInterruptsAnybody(t *testing.T) {
	c := newClient(t, Options{})
	c.server.HoldAt(1)
	id := c.post(slow, `"client_id":"somebody"`)
	c.until(func(s *Server) bool { return s.held })
	c.do("POST", "/interrupt", `{"prompt_id":"`+newID()+`"}`)

	if _, got := c.do("GET", "/prompt", nil); at(got, "exec_info", "queue_remaining") != json.Number("1") {
		t.Errorf("Another's interrupt changes nothing: got %v", got)
	}

	c.do("POST", "/interrupt", nil)

	if got := at(c.history(id), "status", "status_str"); got != "error" {
		t.Errorf("An interrupt of nobody in particular stops it: got %v", got)
	}
}

// TestNumbers holds that a seed comes back as it was written: it may have twenty
// digits.
func TestNumbers(t *testing.T) {
	c := newClient(t, Options{})
	id := c.post(`{"57:8":{"class_type":"PrimitiveInt","inputs":{"value":18446744073709551615}},"9":{"class_type":"PreviewAny","inputs":{"source":["57:8",0]}}}`)
	got := c.history(id)

	if diff := cmp.Diff([]any{"18446744073709551615"}, at(got, "outputs", "9", "text")); diff != "" {
		t.Errorf("A node has all of its digits: -want, +got:\n%s", diff)
	}

	graph := at(got, "prompt").([]any)[2]
	if seed := at(graph, "57:8", "inputs", "value"); seed != json.Number("18446744073709551615") {
		t.Errorf("So has the history: got %v", seed)
	}
}

// TestBlocked holds that an error that is told need not be the end.
func TestBlocked(t *testing.T) {
	c := newClient(t, Options{})
	e := c.listen("me")
	id := c.post(`{"1":{"class_type":"EmptyImage","inputs":{"width":8,"height":8,"batch_size":1,"color":1}},"2":{"class_type":"Blocker","inputs":{"image":["1",0]}},
		"3":{"class_type":"SaveImage","inputs":{"images":["2",0],"filename_prefix":"b"}}}`, `"client_id":"me"`)

	if kinds := e.until(over); !slices.Contains(kinds, "execution_error") || !slices.Contains(kinds, "execution_success") {
		t.Errorf("Both are told: got %v", kinds)
	}

	if got := at(c.history(id), "status", "status_str"); got != "success" {
		t.Errorf("The prompt succeeds: got %v", got)
	}
}

// TestPreviews holds the frames of previews: described to who offered to read that.
func TestPreviews(t *testing.T) {
	cases := map[string]struct {
		reason string
		offers string
		want   []byte
	}{
		"Bare":      {reason: "A picture of kind 2, which is PNG.", want: []byte{0, 0, 0, 1, 0, 0, 0, 2, 0x89, 'P', 'N', 'G'}},
		"Described": {reason: "A length and what it is, in JSON.", offers: `{"type":"feature_flags","data":{"supports_preview_metadata":true}}`, want: []byte{0, 0, 0, 4, 0, 0, 0}},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, Options{})
			e := c.listen("me")

			if tc.offers != "" {
				if err := e.conn.Write(t.Context(), websocket.MessageText, []byte(tc.offers)); err != nil {
					t.Fatal(err)
				}

				e.until(func(kind string, _ any) bool { return kind == "feature_flags" })
			}

			c.post(slow, `"client_id":"me"`, `"extra_data":{"preview_method":"auto"}`)
			e.until(func(kind string, data any) bool {
				b, ok := data.([]byte)
				if ok && !bytes.HasPrefix(b, tc.want) {
					t.Errorf("%s\ngot % x", tc.reason, b[:12])
				}

				return kind == "binary"
			})
		})
	}
}
