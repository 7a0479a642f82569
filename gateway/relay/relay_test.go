package relay

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// pair is a connection over loopback, from both ends.
func pair(t testing.TB) (net.Conn, net.Conn) {
	t.Helper()

	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // It is there at once.
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()

	got := make(chan net.Conn, 1)

	go func() {
		c, err := l.Accept()
		if err != nil {
			close(got)
			return
		}

		got <- c
	}()

	a, err := net.Dial("tcp", l.Addr().String()) //nolint:noctx // As above.
	if err != nil {
		t.Fatal(err)
	}

	b := <-got

	t.Cleanup(func() { _, _ = a.Close(), b.Close() })

	return a, b
}

func isPing(f frame) bool { return f.head == 0x80|opPing && f.payload == pingPayload }

// TestFragments sends random frames in random pieces, with pings put in all the
// time, and wants every frame as it was and no ping within one.
func TestFragments(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)

	r := rand.New(rand.NewPCG(seed, 0))
	browser, ours := pair(t)
	theirs, server := pair(t)
	gone := make(chan struct{})

	s := join(ours, theirs, nil, nil, time.Hour, func() { close(gone) })

	var sent []frame

	wire := []byte{}

	for i := range 400 {
		f := frame{head: []byte{0x81, 0x82, 0x01, 0x00, 0x80, 0xc1}[r.IntN(6)], payload: string(bytes.Repeat([]byte{byte(i)}, []int{0, 1, 125, 126, 127, 4000, 65535, 65536}[r.IntN(8)]))}
		sent = append(sent, f)
		wire = append(wire, f.write(false)...)
	}

	stop := make(chan struct{})

	go func() {
		for {
			select {
			case <-stop:
				return
			default:
				s.missed.Store(0)
				s.beat()
				time.Sleep(50 * time.Microsecond)
			}
		}
	}()

	go func() {
		for len(wire) > 0 {
			n := min(len(wire), 1+r.IntN(30000))
			if _, err := server.Write(wire[:n]); err != nil {
				return
			}

			wire = wire[n:]
		}
	}()

	var got []frame

	pings := 0

	for len(got) < len(sent) {
		f, err := readFrame(browser)
		if err != nil {
			t.Fatalf("after %d frames and %d pings: %v", len(got), pings, err)
		}

		if isPing(f) {
			pings++
			continue
		}

		got = append(got, f)
	}

	close(stop)

	if !cmp.Equal(sent, got, cmp.AllowUnexported(frame{})) {
		t.Error("frames were changed on the way")
	}

	if pings == 0 {
		t.Error("no ping came through")
	}

	_, _ = server.Close(), browser.Close()
	<-gone
}

// TestClose wants the server to be done before the browser hears of the end.
func TestClose(t *testing.T) {
	browser, ours := pair(t)
	theirs, server := pair(t)
	gone := make(chan struct{})
	s := Join(ours, theirs, nil, nil, func() { close(gone) })

	s.Close(ServiceRestart)

	f, err := readFrame(server)
	if err != nil || f.head != 0x80|opClose || f.payload != closing(GoingAway, "") {
		t.Fatalf("the server hears %x %q, %v", f.head, f.payload, err)
	}

	// What the server says after that still comes before the browser's end.
	late := frame{0x81, "late"}
	if _, err := server.Write(late.write(false)); err != nil {
		t.Fatal(err)
	}

	if f, err = readFrame(browser); err != nil || f != late {
		t.Fatalf("the browser hears %x %q first, %v", f.head, f.payload, err)
	}

	// Its answer to the goodbye is ours to hear.
	if _, err := server.Write(frame{0x80 | opClose, closing(GoingAway, "")}.write(false)); err != nil {
		t.Fatal(err)
	}

	_ = server.Close()

	f, err = readFrame(browser)
	if err != nil || f.payload != closing(ServiceRestart, "") {
		t.Errorf("the browser hears %x %q, %v", f.head, f.payload, err)
	}

	<-gone
}

// TestEnds ends a socket at either side, and wants the other to know.
func TestEnds(t *testing.T) {
	t.Run("Browser", func(t *testing.T) {
		browser, ours := pair(t)
		theirs, server := pair(t)
		gone := make(chan struct{})
		Join(ours, theirs, nil, nil, func() { close(gone) })

		_ = browser.Close()

		if f, err := readFrame(server); err != nil || f.head != 0x80|opClose {
			t.Errorf("the server hears %x, %v", f.head, err)
		}

		_ = server.Close()
		<-gone
	})

	t.Run("ServerInForm", func(t *testing.T) {
		browser, ours := pair(t)
		theirs, server := pair(t)
		gone := make(chan struct{})
		Join(ours, theirs, nil, nil, func() { close(gone) })

		bye := frame{0x80 | opClose, closing(1000, "done")}
		if _, err := server.Write(bye.write(false)); err != nil {
			t.Fatal(err)
		}

		_ = server.Close()

		if f, err := readFrame(browser); err != nil || f != bye {
			t.Errorf("the browser hears %x %q, %v", f.head, f.payload, err)
		}

		if f, err := readFrame(browser); err == nil {
			t.Errorf("and after the goodbye %x %q", f.head, f.payload)
		}

		<-gone
	})

	t.Run("Silent", func(t *testing.T) {
		browser, ours := pair(t)
		theirs, server := pair(t)
		gone := make(chan struct{})
		join(ours, theirs, nil, nil, 5*time.Millisecond, func() { close(gone) })

		// The browser is there and answers no ping: its machine sleeps.
		go func() { _, _ = io.Copy(io.Discard, server); _ = server.Close() }()

		for pings := 0; ; pings++ {
			if f, err := readFrame(browser); err != nil || !isPing(f) {
				if pings != missable {
					t.Errorf("a browser that is silent was pinged %d times, want %d", pings, missable)
				}

				break
			}
		}

		<-gone
	})
}

// TestEarly has both sides say something together with the handshake.
func TestEarly(t *testing.T) {
	browser, ours := pair(t)
	theirs, server := pair(t)
	gone := make(chan struct{})
	up, down := frame{0x81, "up"}, frame{0x81, "down"}
	Join(ours, theirs, up.write(true), down.write(false), func() { close(gone) })

	if got, err := readFrame(server); err != nil || got != up {
		t.Errorf("the server hears %v, %v", got, err)
	}

	if got, err := readFrame(browser); err != nil || got != down {
		t.Errorf("the browser hears %v, %v", got, err)
	}

	_, _ = browser.Close(), server.Close()
	<-gone
}
