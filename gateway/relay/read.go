package relay

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
)

// chunk is what is read at once.
const chunk = 16 << 10

// buffers are lent while something moves. A thousand sockets that are silent hold
// none.
var buffers = sync.Pool{New: func() any { return new([chunk]byte) }} //nolint:gochecknoglobals // All sockets share it, or it saves nothing.

// read waits until a connection has something, lends a buffer, and hands what was
// read to take. The real read happens where Go asks whether to wait: a wait alone
// hangs when something was there before.
func read(c net.Conn, take func([]byte) error) error {
	raw, ok := c.(syscall.Conn)
	if !ok {
		return readPlainly(c, take)
	}

	r, err := raw.SyscallConn()
	if err != nil {
		return readPlainly(c, take)
	}

	var (
		b    *[chunk]byte
		n    int
		fail error
	)

	err = r.Read(func(fd uintptr) bool {
		b, _ = buffers.Get().(*[chunk]byte)

		for {
			n, fail = syscall.Read(int(fd), b[:])
			if !errors.Is(fail, syscall.EINTR) {
				break
			}
		}

		if errors.Is(fail, syscall.EAGAIN) {
			buffers.Put(b)
			b = nil

			return false
		}

		return true
	})
	if b == nil {
		return err
	}

	defer buffers.Put(b)

	switch {
	case err != nil:
		return err
	case fail != nil:
		return fail
	case n == 0:
		return io.EOF
	}

	return take(b[:n])
}

func readPlainly(c net.Conn, take func([]byte) error) error {
	b, _ := buffers.Get().(*[chunk]byte)
	defer buffers.Put(b)

	n, err := c.Read(b[:])
	if n > 0 {
		if taken := take(b[:n]); taken != nil {
			return taken
		}
	}

	return err
}
