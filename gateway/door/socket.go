package door

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/comfyui-studio/comfyui-studio/gateway/header"
	"github.com/comfyui-studio/comfyui-studio/gateway/prompt"
	"github.com/comfyui-studio/comfyui-studio/gateway/relay"
	"github.com/comfyui-studio/comfyui-studio/gateway/servers"
)

const (
	// dialing is how long a server may take for a handshake.
	dialing = 15 * time.Second
	// answering is how long a browser may take for the answer to its handshake.
	answering = 2 * time.Second
	// leaving is how long a socket of the same client may take to go.
	leaving = 5 * time.Second
	// mostSockets are open at once, and mostOfCaller of one caller.
	mostSockets  = 4000
	mostOfCaller = 32
)

// sockets are the websockets that are open.
type sockets struct {
	mu  sync.Mutex
	all map[*open]bool
}

// open is a socket. It has a name: servers know sockets by the client's id, and
// lose the new one of a name when the old one ends.
type open struct {
	// socket is missing while it is parked, or not joined yet.
	socket *relay.Socket
	server prompt.Tag
	name   string
	caller string
}

func socketName(who caller, clientID string) string { return who.key() + "/" + clientID }

// socket joins a websocket to the server that somebody works on.
func (d *Door) socket(w http.ResponseWriter, r *http.Request, who caller) {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		refuse(w, r, http.StatusBadRequest, "This is for websockets.")
		return
	}

	id := r.URL.Query().Get("clientId")

	s, pool, ok := d.server(r, who)
	if who.Program && id != "" && ok {
		s, ok = d.Table.For(s.Pool, socketName(who, id))
	}

	// Somebody whose server goes is given another with the socket.
	if ok && !stays(s) {
		if s, ok = d.Table.Least(s.Pool); ok && !who.Program {
			ok = d.pin(w, s) == nil
		}
	}

	o := &open{server: s.Tag, name: id, caller: who.key()}
	if !d.sockets.take(o) {
		w.Header().Set("Retry-After", "10")
		refuse(w, r, http.StatusServiceUnavailable, "Too many sockets are open.")

		return
	}

	if !ok {
		defer d.sockets.free(o)

		d.park(w, r, pool, id)

		return
	}

	ctx, stop := context.WithTimeout(r.Context(), dialing)
	defer stop()

	d.sockets.supersede(ctx, func(o *open) bool { return o.server == s.Tag && o.name == id && id != "" })

	if d.Peers != nil && id != "" {
		d.Peers.Drop(ctx, s.Tag, id)
	}

	if err := d.join(ctx, w, r, s, o); err != nil {
		d.sockets.free(o)
		d.Log.Warn("cannot open a socket", "server", s.Pod, "error", err)
		refuse(w, r, http.StatusBadGateway, "The server did not open a socket.")
	}
}

// join makes the handshake with the server, and then with the browser.
func (d *Door) join(ctx context.Context, w http.ResponseWriter, r *http.Request, s servers.Server, o *open) error {
	server, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Addr)
	if err != nil {
		return err
	}

	res, beyond, err := shake(ctx, server, d.handshake(r, s))
	if err != nil {
		_ = server.Close()
		return err
	}

	browser, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = server.Close()
		return fmt.Errorf("cannot take over the connection: %w", err)
	}

	// The server's deadlines for the request end here.
	_ = browser.SetDeadline(time.Time{})

	header.Secure(res.Header, d.Config().Edge.Encrypted)
	res.Header.Set("X-Studio-Server", s.Tag.String())
	res.Header["Set-Cookie"] = append(res.Header["Set-Cookie"], w.Header()["Set-Cookie"]...)

	early := make([]byte, buffered.Reader.Buffered())
	_, _ = io.ReadFull(buffered.Reader, early)

	// The browser is answered when the socket is among the open ones: it may come
	// again at once, and the new one must find the old one. A browser that does not
	// take an answer has gone, which the relay sees.
	d.sockets.join(o, func(gone func()) *relay.Socket {
		_ = browser.SetWriteDeadline(time.Now().Add(answering))
		_ = res.Write(browser)
		_ = browser.SetWriteDeadline(time.Time{})

		return relay.Join(browser, server, early, beyond, gone)
	})

	return nil
}

// handshake is the browser's, cleaned.
func (d *Door) handshake(r *http.Request, s servers.Server) *http.Request {
	out := r.Clone(r.Context())
	out.Host, out.RequestURI = s.Addr, ""

	for _, line := range r.Header.Values("Connection") {
		for name := range strings.SplitSeq(line, ",") {
			out.Header.Del(strings.TrimSpace(name))
		}
	}

	for _, name := range []string{"Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Proxy-Connection"} {
		out.Header.Del(name)
	}

	prepare(out, r, d.Config().Edge.OriginHeader)
	out.Header.Set("Connection", "Upgrade")
	out.Header.Set("Upgrade", "websocket")

	// What the browser's handshake needs, if its Connection named it.
	for _, name := range []string{"Sec-Websocket-Key", "Sec-Websocket-Version", "Sec-Websocket-Extensions", "Sec-Websocket-Protocol"} {
		if v := r.Header.Values(name); len(v) > 0 {
			out.Header[name] = v
		}
	}

	out.Body, out.ContentLength = http.NoBody, 0

	return out
}

// shake sends a handshake and reads the answer, and what follows it at once.
func shake(ctx context.Context, c net.Conn, req *http.Request) (*http.Response, []byte, error) {
	if at, ok := ctx.Deadline(); ok {
		if err := c.SetDeadline(at); err != nil {
			return nil, nil, err
		}
	}

	if err := req.Write(c); err != nil {
		return nil, nil, err
	}

	b := bufio.NewReader(c)

	res, err := http.ReadResponse(b, req)
	if err != nil {
		return nil, nil, err
	}

	// The body of an answer that opens a socket is the socket.
	if res.StatusCode != http.StatusSwitchingProtocols || !strings.EqualFold(res.Header.Get("Upgrade"), "websocket") {
		_ = res.Body.Close()
		return nil, nil, fmt.Errorf("cannot open a socket: the server answered %s", res.Status)
	}

	beyond := make([]byte, b.Buffered())
	if _, err := io.ReadFull(b, beyond); err != nil {
		return nil, nil, err
	}

	return res, beyond, c.SetDeadline(time.Time{})
}

// take keeps a place for a socket, if there is one for its caller.
func (s *sockets) take(o *open) bool {
	s.mu.Lock()
	defer s.mu.Unlock()

	of := 0

	for other := range s.all {
		if other.caller == o.caller {
			of++
		}
	}

	if len(s.all) >= mostSockets || of >= mostOfCaller {
		return false
	}

	if s.all == nil {
		s.all = map[*open]bool{}
	}

	s.all[o] = true

	return true
}

// free gives a place back.
func (s *sockets) free(o *open) {
	s.mu.Lock()
	defer s.mu.Unlock()

	delete(s.all, o)
}

// join puts a socket in its place, until it is gone.
func (s *sockets) join(o *open, join func(gone func()) *relay.Socket) {
	s.mu.Lock()
	defer s.mu.Unlock()

	o.socket = join(func() { s.free(o) })
}

// supersede closes sockets, and waits until servers are done with them.
func (s *sockets) supersede(ctx context.Context, which func(*open) bool) {
	ctx, stop := context.WithTimeout(ctx, leaving)
	defer stop()

	for _, o := range s.of(which) {
		o.socket.Close(relay.GoingAway)

		select {
		case <-o.socket.Parted():
		case <-ctx.Done():
		}
	}
}

// parked counts those that are not joined to a server.
func (s *sockets) parked() int {
	s.mu.Lock()
	defer s.mu.Unlock()

	n := 0

	for o := range s.all {
		if o.socket == nil {
			n++
		}
	}

	return n
}

// of are those that are joined to a server.
func (s *sockets) of(want func(*open) bool) []*open {
	s.mu.Lock()
	defer s.mu.Unlock()

	var out []*open

	for o := range s.all {
		if o.socket != nil && want(o) {
			out = append(out, o)
		}
	}

	return out
}
