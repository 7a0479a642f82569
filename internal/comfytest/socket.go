package comfytest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// An event is a frame of text.
type event struct {
	Type string `json:"type"`
	Data any    `json:"data"`
}

// A socket is a client that listens. What it is told waits in a list of its own:
// a client that does not read holds nobody up, as with aiohttp.
type socket struct {
	frames  chan frame
	gone    chan struct{}
	preview bool
}

type frame struct {
	kind websocket.MessageType
	data []byte
}

// backlog is what a client that does not read may fall behind by before the
// double gives it up.
const backlog = 1 << 16

func (k *socket) tell(f frame) {
	select {
	case k.frames <- f:
	default:
		k.drop()
	}
}

func (k *socket) drop() {
	select {
	case <-k.gone:
	default:
		close(k.gone)
	}
}

// serveSocket registers a client under its id, and takes away whatever is
// registered under that id when this socket ends. A client that came again before
// that is taken away with it, and hears nothing from then on.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	t := &taken{ResponseWriter: w}

	c, err := websocket.Accept(t, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer c.CloseNow() //nolint:errcheck // It is gone already or goes now.

	c.SetReadLimit(maxUpload)

	id := r.URL.Query().Get("clientId")
	if id == "" {
		id = newID()
	}

	k := &socket{frames: make(chan frame, backlog), gone: make(chan struct{})}
	s.enter(id, k)

	t.leave = sync.OnceFunc(func() {
		s.set(func() {
			delete(s.sockets, id)
			s.left++
		})
	})
	defer t.leave()

	ctx, stop := context.WithCancel(r.Context())
	defer stop()

	go func() {
		defer stop()

		s.listen(ctx, c, k)
	}()

	for {
		select {
		case f := <-k.frames:
			if c.Write(ctx, f.kind, f.data) != nil {
				return
			}
		case <-k.gone:
			return
		case <-ctx.Done():
			return
		}
	}
}

// taken is a request whose connection is taken over. ComfyUI has one event loop: in
// the turn in which it closes a connection it takes the client away, and nobody who
// sees the connection end can come before that. Goroutines would let them.
type taken struct {
	http.ResponseWriter

	leave func()
}

// Hijack hands the connection over.
func (t *taken) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, b, err := http.NewResponseController(t.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}

	return &leaving{Conn: c, of: t}, b, nil
}

type leaving struct {
	net.Conn

	of *taken
}

// Close takes the client away first.
func (l *leaving) Close() error {
	if l.of.leave != nil {
		l.of.leave()
	}

	return l.Conn.Close()
}

func (s *Server) enter(id string, k *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.sockets[id] = k

	first := map[string]any{"status": s.execInfo(), "sid": id}
	k.tell(text("status", first))

	// Who comes back while its prompt runs is told the node, and not the prompt.
	if s.clientID == id && s.lastNode != "" {
		k.tell(text("executing", map[string]any{"node": s.lastNode}))
	}
}

// listen reads what a client says. Only its first message may offer features.
func (s *Server) listen(ctx context.Context, c *websocket.Conn, k *socket) {
	for first := true; ; first = false {
		_, b, err := c.Read(ctx)
		if err != nil {
			return
		}

		said := struct {
			Type string          `json:"type"`
			Data map[string]bool `json:"data"`
		}{}
		if !first || json.Unmarshal(b, &said) != nil || said.Type != "feature_flags" {
			continue
		}

		s.set(func() {
			k.preview = said.Data["supports_preview_metadata"]
			k.tell(text("feature_flags", s.features()))
		})
	}
}

// tell sends an event to a client, or to everybody where there is none.
func (s *Server) tell(id, kind string, data any) { s.send(id, text(kind, data)) }

func (s *Server) send(id string, f frame) {
	for sid, k := range s.sockets {
		if id == "" || id == sid {
			k.tell(f)
		}
	}
}

func (s *Server) tellRemaining() {
	s.tell("", "status", map[string]any{"status": s.execInfo()})
}

// execInfo counts what waits together with what runs.
func (s *Server) execInfo() map[string]any {
	return map[string]any{"exec_info": map[string]any{"queue_remaining": s.remaining()}}
}

// tellPreview sends a picture of what is half done: with a description of it to
// clients that offered to read one, and bare to others.
func (s *Server) tellPreview(id, promptID, nodeID string, png []byte) {
	for sid, k := range s.sockets {
		if id != "" && id != sid {
			continue
		}

		if !k.preview {
			k.tell(binaryFrame(1, be(2), png))
			continue
		}

		about, err := json.Marshal(map[string]any{
			"node_id": nodeID, "prompt_id": promptID, "display_node_id": nodeID, "parent_node_id": nil, "real_node_id": nodeID, "image_type": "image/png",
		})
		if err != nil {
			// Text and nothing always marshal.
			panic(err)
		}

		k.tell(binaryFrame(4, be(len(about)), about, png))
	}
}

func binaryFrame(kind int, parts ...[]byte) frame {
	return frame{websocket.MessageBinary, slices.Concat(append([][]byte{be(kind)}, parts...)...)}
}

func be(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) } //nolint:gosec // Kinds and lengths are small.

func text(kind string, data any) frame {
	var b bytes.Buffer

	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)

	if err := e.Encode(event{kind, data}); err != nil {
		// Events are maps, text and numbers.
		panic(err)
	}

	return frame{websocket.MessageText, bytes.TrimRight(b.Bytes(), "\n")}
}

func timestamp() int64 { return time.Now().UnixMilli() }
