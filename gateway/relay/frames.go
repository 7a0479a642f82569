package relay

import (
	"encoding/binary"
	"errors"
	"sync/atomic"
)

// Opcodes of control frames (RFC 6455 5.2).
const (
	opClose = 0x8
	opPing  = 0x9
	opPong  = 0xa
)

// maxFrame is more than any picture that is shown on the way.
const maxFrame = 64 << 20

// maxControl is the longest payload of a control frame (RFC 6455 5.5).
const maxControl = 125

var (
	errMask = errors.New("a frame is masked that must not be, or the other way round")
	errSize = errors.New("a frame is too long")
)

// frames follows the frames of one direction. It looks at heads only: what a frame
// carries passes as it is, compressed or not.
type frames struct {
	// masked says that frames must be masked: those of browsers are.
	masked bool
	// swallow is the payload of the pong that goes no further.
	swallow string

	// ended says that we said goodbye to this side, whose answer to that goes no
	// further: the other side is told why by us.
	ended atomic.Bool

	// held is a head that is not complete, or a pong that may be ours.
	held   []byte
	left   int64
	closed bool
}

// boundary says that no frame is half way through. Only there may another be put
// in between.
func (f *frames) boundary() bool { return len(f.held) == 0 && f.left == 0 }

// pass appends to out what of in goes on, and says where in out the last frame
// ended: -1 if none did.
func (f *frames) pass(in, out []byte) ([]byte, int, error) {
	last := -1
	if f.boundary() {
		last = len(out)
	}

	for len(in) > 0 {
		if f.left > 0 {
			n := min(int64(len(in)), f.left)
			out, in, f.left = append(out, in[:n]...), in[n:], f.left-n
		} else {
			need, err := f.need()
			if err != nil {
				return out, last, err
			}

			n := min(len(in), need-len(f.held))
			f.held, in = append(f.held, in[:n]...), in[n:]

			if out, err = f.head(out); err != nil {
				return out, last, err
			}
		}

		if f.boundary() {
			last = len(out)
		}
	}

	return out, last, nil
}

// need is how long what is held has to become before it can be judged.
func (f *frames) need() (int, error) {
	if len(f.held) < 2 {
		return 2, nil
	}

	size, payload := f.size()
	if len(f.held) < size {
		return size, nil
	}

	if payload < 0 || payload > maxFrame || (f.held[0]&0x8 != 0 && payload > maxControl) {
		return 0, errSize
	}

	if f.pong() || f.farewell() {
		return size + int(payload), nil
	}

	return size, nil
}

// head lets what is held go once it is complete.
func (f *frames) head(out []byte) ([]byte, error) {
	need, err := f.need()
	if err != nil || len(f.held) < need {
		return out, err
	}

	if f.held[1]&0x80 != 0 != f.masked {
		return out, errMask
	}

	size, payload := f.size()
	f.closed = f.closed || (f.held[0]&0xf == opClose && !f.farewell())

	switch {
	case f.farewell():
	case f.pong() && f.unmasked(size) == f.swallow:
	case f.pong():
		out = append(out, f.held...)
	default:
		out = append(out, f.held...)
		f.left = payload
	}

	f.held = f.held[:0]

	return out, nil
}

func (f *frames) farewell() bool { return f.held[0]&0xf == opClose && f.ended.Load() }

func (f *frames) pong() bool { return f.swallow != "" && f.held[0]&0xf == opPong }

// size is how long the head is, and the payload after it as far as that is known.
func (f *frames) size() (int, int64) {
	size, payload := 2, int64(f.held[1]&0x7f)

	switch payload {
	case 126:
		size += 2

		if len(f.held) >= size {
			payload = int64(binary.BigEndian.Uint16(f.held[2:]))
		}
	case 127:
		size += 8

		if len(f.held) >= size {
			payload = int64(binary.BigEndian.Uint64(f.held[2:])) //nolint:gosec // One that is too large is negative, and refused.
		}
	}

	if f.held[1]&0x80 != 0 {
		size += 4
	}

	return size, payload
}

func (f *frames) unmasked(size int) string {
	if !f.masked {
		return string(f.held[size:])
	}

	key, out := f.held[size-4:size], make([]byte, 0, maxControl)
	for i, b := range f.held[size:] {
		out = append(out, b^key[i%4])
	}

	return string(out)
}

// control writes a control frame. A mask of zeros is a mask: what the payload
// holds is ours, so it needs no hiding.
func control(op byte, payload string, masked bool) []byte {
	out := []byte{0x80 | op, byte(len(payload))} //nolint:gosec // Ours are short.
	if masked {
		out[1] |= 0x80
		out = append(out, 0, 0, 0, 0)
	}

	return append(out, payload...)
}

// closing is the payload of a close frame.
func closing(code uint16, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, code)) + reason
}
