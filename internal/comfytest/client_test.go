package comfytest

import (
	"bytes"
	"context"
	"encoding/json"
	"image/color"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// A client asks a server as a program does.
type client struct {
	*testing.T

	url string
	// server is the double, or nil where a real one is asked.
	server *Server
}

func newClient(t *testing.T, o Options) client {
	t.Helper()

	s, url := Start(t, o)

	return client{t, url, s}
}

// do asks, and returns the status and the answer.
func (c client) do(method, path string, body any) (int, any) {
	c.Helper()

	var in io.Reader

	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			c.Fatal(err)
		}

		in = bytes.NewReader(text)
	}

	req, err := http.NewRequestWithContext(c.Context(), method, c.url+path, in)
	if err != nil {
		c.Fatal(err)
	}

	return c.send(req)
}

func (c client) send(req *http.Request) (int, any) {
	c.Helper()

	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.Fatal(err)
	}
	defer res.Body.Close()

	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.Fatal(err)
	}

	var out any

	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()

	if d.Decode(&out) != nil {
		return res.StatusCode, string(b)
	}

	return res.StatusCode, out
}

// post queues a graph, which must be taken, and returns its id.
func (c client) post(graph string, more ...string) string {
	c.Helper()

	body := `{"prompt":` + graph + strings.Join(append([]string{""}, more...), ",") + `}`

	status, got := c.do("POST", "/api/prompt", body)
	if status != http.StatusOK {
		c.Fatalf("a sound graph is refused: %d %v", status, got)
	}

	return at(got, "prompt_id").(string)
}

// history waits until a prompt is over. A prompt without an end ends the test.
func (c client) history(id string) any {
	c.Helper()

	for c.Context().Err() == nil {
		if _, got := c.do("GET", "/api/history/"+id, nil); at(got, id) != nil {
			return at(got, id)
		}

		time.Sleep(5 * time.Millisecond)
	}

	return nil
}

// at is a value in nested objects, or nil.
func at(v any, path ...string) any {
	for _, p := range path {
		m, _ := v.(map[string]any)
		v = m[p]
	}

	return v
}

// An ear is a socket of a client.
type ear struct {
	*testing.T

	conn *websocket.Conn
	// first is the status that every socket begins with, until it is read.
	first []received
}

type received struct {
	kind string
	data any
}

// listen connects, and waits for the first status: the server knows it from then on.
func (c client) listen(id string) *ear {
	c.Helper()

	conn, res, err := websocket.Dial(c.Context(), "ws"+strings.TrimPrefix(c.url, "http")+"/ws?clientId="+id, nil)
	if err != nil {
		c.Fatal(err)
	}

	if res.Body != nil {
		_ = res.Body.Close()
	}

	conn.SetReadLimit(64 << 20)
	c.Cleanup(func() { _ = conn.CloseNow() })

	e := &ear{T: c.T, conn: conn}
	kind, data := e.next()
	e.first = []received{{kind, data}}

	return e
}

// next is the next event, or a frame of bytes under the name binary.
func (e *ear) next() (string, any) {
	e.Helper()

	if len(e.first) > 0 {
		r := e.first[0]
		e.first = nil

		return r.kind, r.data
	}

	ctx, stop := context.WithTimeout(e.Context(), time.Minute)
	defer stop()

	kind, b, err := e.conn.Read(ctx)
	if err != nil {
		e.Fatalf("no event: %v", err)
	}

	if kind == websocket.MessageBinary {
		return "binary", b
	}

	got, err := decode(bytes.NewReader(b))
	if err != nil {
		e.Fatal(err)
	}

	return got["type"].(string), got["data"]
}

// until reads up to an event that f takes, and returns the types of all.
func (e *ear) until(f func(kind string, data any) bool) []string {
	e.Helper()

	var out []string

	for {
		kind, data := e.next()
		out = append(out, kind)

		if f(kind, data) {
			return out
		}
	}
}

// over is the last event of a prompt.
func over(kind string, data any) bool {
	m, _ := data.(map[string]any)
	node, has := m["node"]

	return kind == "executing" && has && node == nil
}

func colour(n uint8) color.RGBA { return color.RGBA{n, n, n, 255} }
