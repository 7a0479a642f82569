// Package relay joins a browser's websocket to a server's. It reads the heads of
// frames and nothing else, so that it can ping the browser, and close a socket,
// without breaking into a frame. A socket that is silent costs two goroutines and
// no buffer.
//
// A server registers sockets by the client's id, and takes away whatever is
// registered under that id when a socket ends. So a socket that is closed from
// here is closed at the server first, and the browser hears of it when the server
// is done: it comes back within a third of a second, and one that came back too
// early would hear nothing any more.
package relay

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// Every is how often a browser is pinged: often enough for what closes silent
	// connections on the way.
	Every = 30 * time.Second
	// missable is how many pings may go unanswered.
	missable = 2
	// writing is how long a browser or a server may take for one chunk.
	writing = 30 * time.Second
	// parting is how long a server may take to say goodbye.
	parting = 2 * time.Second

	pingPayload = "studio"
)

// Codes of RFC 6455 7.4.1 and its registry.
const (
	GoingAway      = 1001
	ServiceRestart = 1012
)

// A Socket is a browser's websocket, joined to a server's.
type Socket struct {
	browser, server net.Conn
	every           time.Duration

	down, up struct {
		mu     sync.Mutex
		frames frames
	}

	ping    *time.Timer
	due     bool
	missed  atomic.Int32
	code    atomic.Int32
	parted  chan struct{}
	done    chan struct{}
	goodbye sync.Once
	gone    func()
}

// Join relays between two connections on which the handshake is over. What was
// read beyond it comes first. It returns at once, and calls gone when both ends are.
func Join(browser, server net.Conn, fromBrowser, fromServer []byte, gone func()) *Socket {
	return join(browser, server, fromBrowser, fromServer, Every, gone)
}

func join(browser, server net.Conn, fromBrowser, fromServer []byte, every time.Duration, gone func()) *Socket {
	s := &Socket{browser: browser, server: server, every: every, parted: make(chan struct{}), done: make(chan struct{}), gone: gone}
	s.up.frames.masked, s.up.frames.swallow = true, pingPayload
	s.code.Store(ServiceRestart)

	// It is set before it can end.
	s.down.mu.Lock()
	s.ping = time.AfterFunc(every, s.beat)
	s.down.mu.Unlock()

	go s.fromServer(fromServer)
	go s.fromBrowser(fromBrowser)

	return s
}

// Done is closed when both ends are gone.
func (s *Socket) Done() <-chan struct{} { return s.done }

// Parted is closed when the server is done with the socket.
func (s *Socket) Parted() <-chan struct{} { return s.parted }

// Close ends the socket: first at the server, and when that is done, at the
// browser, with a code that tells why. It does not wait.
func (s *Socket) Close(code uint16) {
	s.code.Store(int32(code))
	s.part()
}

// fromServer moves what the server says until it says no more.
func (s *Socket) fromServer(first []byte) {
	defer s.gone()
	defer close(s.done)

	err := s.toBrowser(first)
	for err == nil {
		err = read(s.server, s.toBrowser)
	}

	s.ping.Stop()
	_ = s.server.Close()
	close(s.parted)

	s.down.mu.Lock()
	defer s.down.mu.Unlock()

	// A server that closed in form has told the browser why itself.
	if s.down.frames.boundary() && !s.down.frames.closed {
		_ = s.write(s.browser, control(opClose, closing(uint16(s.code.Load()), ""), false)) //nolint:gosec // It was a uint16.
	}

	_ = s.browser.Close()
}

// fromBrowser moves what the browser says, which is little.
func (s *Socket) fromBrowser(first []byte) {
	err := s.toServer(first)
	for err == nil {
		err = read(s.browser, s.toServer)
	}

	s.part()
}

func (s *Socket) toBrowser(b []byte) error {
	s.down.mu.Lock()
	defer s.down.mu.Unlock()

	out, _ := buffers.Get().(*[chunk]byte)
	defer buffers.Put(out)

	passed, last, err := s.down.frames.pass(b, out[:0])
	if err != nil {
		return err
	}

	if s.due && last >= 0 {
		s.due = false

		if err := s.write(s.browser, passed[:last]); err != nil {
			return err
		}

		if err := s.write(s.browser, control(opPing, pingPayload, false)); err != nil {
			return err
		}

		passed = passed[last:]
	}

	return s.write(s.browser, passed)
}

func (s *Socket) toServer(b []byte) error {
	s.missed.Store(0)

	s.up.mu.Lock()
	defer s.up.mu.Unlock()

	// Nothing follows a goodbye.
	if s.up.frames.closed {
		return io.EOF
	}

	out, _ := buffers.Get().(*[chunk]byte)
	defer buffers.Put(out)

	passed, _, err := s.up.frames.pass(b, out[:0])
	if err != nil {
		return err
	}

	return s.write(s.server, passed)
}

// beat pings the browser, now or when the frame that is on its way is over.
func (s *Socket) beat() {
	select {
	case <-s.done:
		return
	default:
	}

	if s.missed.Add(1) > missable {
		s.part()
		return
	}

	defer s.ping.Reset(s.every)

	// Whoever writes holds the lock, for as long as the browser takes. The ping is
	// the next thing then.
	if !s.down.mu.TryLock() {
		return
	}
	defer s.down.mu.Unlock()

	if !s.down.frames.boundary() {
		s.due = true
		return
	}

	if s.write(s.browser, control(opPing, pingPayload, false)) != nil {
		s.part()
	}
}

// part says goodbye to the server. It answers and hangs up, or is hung up on.
func (s *Socket) part() {
	s.goodbye.Do(func() {
		_ = s.server.SetReadDeadline(time.Now().Add(parting))

		// Whoever writes to the server may wait for it.
		if !s.up.mu.TryLock() {
			_ = s.server.Close()
			return
		}
		defer s.up.mu.Unlock()

		if !s.up.frames.boundary() || s.up.frames.closed {
			s.hangUp()
			return
		}

		s.up.frames.closed = true
		s.down.frames.ended.Store(true)

		if s.write(s.server, control(opClose, closing(GoingAway, ""), true)) != nil {
			_ = s.server.Close()
		}
	})
}

// hangUp ends our half of the connection, and leaves the server its own.
func (s *Socket) hangUp() {
	if half, ok := s.server.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		return
	}

	_ = s.server.Close()
}

func (*Socket) write(c net.Conn, b []byte) error {
	if len(b) == 0 {
		return nil
	}

	if err := c.SetWriteDeadline(time.Now().Add(writing)); err != nil {
		return err
	}

	_, err := c.Write(b)

	return err
}
