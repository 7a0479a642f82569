package comfy

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// largestFrame is more than a preview, or what a node gives. The library's own
// limit of 32 KiB is not.
const largestFrame = 64 << 20

// An ear listens for one prompt, as long as it is followed. It comes back when it is
// cut off, and nothing depends on it.
type ear struct {
	client   *Client
	id       string
	clientID string
	on       func(Event)
	// over says that the prompt may be over.
	over chan struct{}

	mu    sync.Mutex
	conn  *websocket.Conn
	heard time.Time
}

func newEar(c *Client, id, clientID string, on func(Event)) *ear {
	if on == nil {
		on = func(Event) {}
	}

	return &ear{client: c, id: id, clientID: clientID, on: on, over: make(chan struct{}, 1)}
}

// attend begins to listen. It returns when the server has said something, or refused:
// it knows a socket a moment after it opened, and events are not sent again, so a
// prompt should not come sooner.
func (c *Client) attend(ctx context.Context, id, clientID string, on func(Event)) (*ear, func()) {
	e := newEar(c, id, clientID, on)
	ctx, stop := context.WithCancel(ctx)
	ready, done := make(chan struct{}), make(chan struct{})

	go func() {
		defer close(done)

		e.listen(ctx, sync.OnceFunc(func() { close(ready) }))
	}()

	select {
	case <-ready:
	case <-done:
	case <-time.After(c.timing.greeting):
	}

	return e, func() {
		stop()
		<-done
	}
}

// listen connects again and again, with the same client id: what is sent of a prompt
// goes to the id that it was queued with.
func (e *ear) listen(ctx context.Context, tried func()) {
	for n := 0; ctx.Err() == nil; n++ {
		if conn, err := e.dial(ctx); err == nil {
			n = 0

			e.read(ctx, conn, tried)
		}

		tried()

		if ctx.Err() == nil {
			e.on(Event{Kind: Disconnected})
		}

		select {
		case <-ctx.Done():
		case <-time.After(min(e.client.timing.pause<<min(n, 5), e.client.timing.ping)):
		}
	}
}

func (e *ear) dial(ctx context.Context) (*websocket.Conn, error) {
	ctx, stop := context.WithTimeout(ctx, e.client.timing.answer/2)
	defer stop()

	u := *e.client.base
	u.Path += "/ws"
	q := url.Values{"clientId": {e.clientID}}

	if e.client.pool != "" {
		q.Set("pool", e.client.pool)
	}

	u.RawQuery = q.Encode()
	header := http.Header{}
	e.client.authorize(header)

	conn, res, err := websocket.Dial(ctx, u.String(), &websocket.DialOptions{HTTPClient: e.client.http, HTTPHeader: header})
	if err != nil {
		if res != nil && res.Body != nil {
			_ = res.Body.Close()
		}

		return nil, err
	}

	conn.SetReadLimit(largestFrame)

	return conn, nil
}

// offer tells a server what the client understands. It must come first.
var offer = []byte(`{"type":"feature_flags","data":{"supports_preview_metadata":true}}`) //nolint:gochecknoglobals // Bytes that Go has no const for.

// read takes what a socket says until it ends.
func (e *ear) read(ctx context.Context, conn *websocket.Conn, greeted func()) {
	ctx, stop := context.WithCancel(ctx)
	e.set(conn)

	var pinging sync.WaitGroup

	pinging.Go(func() { e.ping(ctx, conn) })

	defer func() {
		stop()
		e.set(nil)

		_ = conn.CloseNow()

		pinging.Wait()
	}()

	if conn.Write(ctx, websocket.MessageText, offer) != nil {
		return
	}

	for {
		kind, b, err := conn.Read(ctx)
		if err != nil {
			return
		}

		greeted()

		if kind == websocket.MessageBinary {
			e.picture(b)
		} else {
			e.take(b)
		}
	}
}

// ping keeps the socket from being closed for silence, and finds out that the other
// end is gone.
func (e *ear) ping(ctx context.Context, conn *websocket.Conn) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(e.client.timing.ping):
		}

		bounded, stop := context.WithTimeout(ctx, e.client.timing.ping)
		err := conn.Ping(bounded)

		stop()

		if err != nil {
			_ = conn.CloseNow()
			return
		}
	}
}

func (e *ear) set(conn *websocket.Conn) {
	e.mu.Lock()
	defer e.mu.Unlock()

	e.conn = conn
}

// reconnect closes the socket properly, after which a server takes the same id again
// and speaks to it.
func (e *ear) reconnect() {
	e.mu.Lock()
	conn := e.conn
	e.mu.Unlock()

	if conn != nil {
		_ = conn.Close(websocket.StatusNormalClosure, "")
	}
}

func (e *ear) hear() {
	e.mu.Lock()
	defer e.mu.Unlock()

	e.heard = time.Now()
}

// silent is for how long nothing was heard of the prompt.
func (e *ear) silent() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()

	return time.Since(e.heard)
}

// take reads an event. What it does not know is somebody's custom node's.
func (e *ear) take(b []byte) {
	m := message{}
	if json.Unmarshal(b, &m) != nil {
		return
	}

	// Of a prompt without a client everybody hears. The node that runs is told without
	// the prompt to who came back, and to nobody else.
	mine := m.Data.ID == e.id || (m.Data.ID == "" && m.Type == string(Executing))
	if m.Type != "status" && !mine {
		return
	}

	if mine {
		e.hear()
	}

	if v, ok := m.event(); ok {
		e.on(v)
	}

	if m.ends() {
		select {
		case e.over <- struct{}{}:
		default:
		}
	}
}

// Kinds of binary frames.
const (
	framePreview  = 1
	frameDescribe = 4
)

// picture reads a preview of what is half done.
func (e *ear) picture(b []byte) {
	if len(b) < 8 {
		return
	}

	kind, n := binary.BigEndian.Uint32(b), int(binary.BigEndian.Uint32(b[4:]))
	b = b[8:]

	switch {
	case kind == framePreview:
		e.on(Event{Kind: Preview, Image: b})
	case kind == frameDescribe && n >= 0 && n <= len(b):
		about := struct {
			ID   string `json:"prompt_id"`
			Node string `json:"node_id"`
		}{}
		if json.Unmarshal(b[:n], &about) == nil && about.ID == e.id {
			e.on(Event{Kind: Preview, Node: about.Node, Image: b[n:]})
		}
	}
}
