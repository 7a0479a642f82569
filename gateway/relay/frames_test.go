package relay

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"testing"
)

type frame struct {
	head    byte
	payload string
}

func (f frame) write(masked bool) []byte {
	out := []byte{f.head}
	mask := byte(0)

	if masked {
		mask = 0x80
	}

	switch n := len(f.payload); {
	case n < 126:
		out = append(out, mask|byte(n))
	case n < 1<<16:
		out = binary.BigEndian.AppendUint16(append(out, mask|126), uint16(n))
	default:
		out = binary.BigEndian.AppendUint64(append(out, mask|127), uint64(n))
	}

	if !masked {
		return append(out, f.payload...)
	}

	key := []byte{1, 2, 3, 4}

	out = append(out, key...)
	for i := range len(f.payload) {
		out = append(out, f.payload[i]^key[i%4])
	}

	return out
}

// readFrame is a plain reader of frames, for what comes out.
func readFrame(r io.Reader) (frame, error) {
	var b [8]byte
	if _, err := io.ReadFull(r, b[:2]); err != nil {
		return frame{}, err
	}

	f, masked, n := frame{head: b[0]}, b[1]&0x80 != 0, uint64(b[1]&0x7f)

	switch n {
	case 126:
		if _, err := io.ReadFull(r, b[:2]); err != nil {
			return frame{}, err
		}

		n = uint64(binary.BigEndian.Uint16(b[:]))
	case 127:
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return frame{}, err
		}

		n = binary.BigEndian.Uint64(b[:])
	}

	var key [4]byte
	if masked {
		if _, err := io.ReadFull(r, key[:]); err != nil {
			return frame{}, err
		}
	}

	payload := make([]byte, n)
	if _, err := io.ReadFull(r, payload); err != nil {
		return frame{}, err
	}

	for i := range payload {
		payload[i] ^= key[i%4]
	}

	f.payload = string(payload)

	return f, nil
}

// TestPongs swallows the answers to our own pings, in whatever pieces they come,
// and nothing else.
func TestPongs(t *testing.T) {
	in := slicesOf(
		frame{0x81, "a"}.write(true), frame{0x80 | opPong, pingPayload}.write(true), frame{0x80 | opPong, "other!"}.write(true),
		frame{0x80 | opPong, ""}.write(true), frame{0x80 | opPing, pingPayload}.write(true), frame{0x82, "b"}.write(true),
	)
	want := slicesOf(frame{0x81, "a"}.write(true), frame{0x80 | opPong, "other!"}.write(true), frame{0x80 | opPong, ""}.write(true), frame{0x80 | opPing, pingPayload}.write(true), frame{0x82, "b"}.write(true))

	for size := 1; size <= len(in); size++ {
		f := frames{masked: true, swallow: pingPayload}

		var got []byte

		for rest := in; len(rest) > 0; {
			n := min(size, len(rest))

			out, _, err := f.pass(rest[:n], nil)
			if err != nil {
				t.Fatal(err)
			}

			got, rest = append(got, out...), rest[n:]
		}

		if !bytes.Equal(want, got) || !f.boundary() {
			t.Errorf("in pieces of %d: want %x, got %x", size, want, got)
		}
	}
}

func slicesOf(all ...[]byte) []byte { return bytes.Join(all, nil) }

// TestRefusedFrames has frames that no sound peer sends.
func TestRefusedFrames(t *testing.T) {
	long := binary.BigEndian.AppendUint64([]byte{0x82, 0x80 | 127}, maxFrame+1)

	cases := map[string]struct {
		reason string
		masked bool
		in     []byte
		want   error
	}{
		"Unmasked": {reason: "A browser masks.", masked: true, in: frame{0x81, "a"}.write(false), want: errMask},
		"Masked":   {reason: "A server does not.", in: frame{0x81, "a"}.write(true), want: errMask},
		"Long":     {reason: "A frame has a limit.", masked: true, in: append(long, 0, 0, 0, 0), want: errSize},
		"Negative": {reason: "A length has no sign.", masked: true, in: append(binary.BigEndian.AppendUint64([]byte{0x82, 0x80 | 127}, 1<<63), 0, 0, 0, 0), want: errSize},
		"Control":  {reason: "Control frames are short.", masked: true, in: []byte{0x80 | opPing, 0x80 | 126, 1, 0, 0, 0, 0, 0}, want: errSize},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			f := frames{masked: tc.masked}
			if _, _, err := f.pass(tc.in, nil); !errors.Is(err, tc.want) {
				t.Errorf("%s\npass(...): want %v, got %v", tc.reason, tc.want, err)
			}
		})
	}
}

func FuzzFrames(f *testing.F) {
	f.Add(frame{0x81, "a"}.write(true), 1)
	f.Add(frame{0x80 | opPong, pingPayload}.write(true), 3)
	f.Add([]byte{0x82, 0xff, 0, 0, 0, 0, 0, 0, 0, 1}, 2)

	f.Fuzz(func(t *testing.T, in []byte, size int) {
		if size < 1 || size > 1<<10 {
			return
		}

		whole, pieces := frames{masked: true, swallow: pingPayload}, frames{masked: true, swallow: pingPayload}
		want, _, wantErr := whole.pass(in, nil)

		var (
			got []byte
			err error
		)

		for rest := in; len(rest) > 0 && err == nil; {
			n := min(size, len(rest))

			var out []byte

			out, _, err = pieces.pass(rest[:n], nil)
			got, rest = append(got, out...), rest[n:]
		}

		if !bytes.Equal(want, got) || fmt.Sprint(wantErr) != fmt.Sprint(err) {
			t.Errorf("whole: %x %v, in pieces of %d: %x %v", want, wantErr, size, got, err)
		}
	})
}
