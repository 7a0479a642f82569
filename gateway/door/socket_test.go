package door

import (
	"net/http"
	"testing"

	"github.com/coder/websocket"
)

// TestSockets opens as many sockets as one may, and one more. Those that wait for a
// server count, too.
func TestSockets(t *testing.T) {
	for reason, size := range map[string]int{"parked": 0, "joined": 1} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()

			w := newWorld(t, size)
			c := w.artist()

			var last *websocket.Conn

			for range mostOfCaller {
				k, _, err := c.dial("/ws") //nolint:bodyclose // It is the socket.
				if err != nil {
					t.Fatal(err)
				}
				defer k.CloseNow()

				last = k
			}

			if _, res, err := c.dial("/ws"); err == nil || res.StatusCode != http.StatusServiceUnavailable { //nolint:bodyclose // As above.
				t.Errorf("one more: want 503, got %v, %v", res, err)
			}

			other, _, err := w.program().dial("/ws") //nolint:bodyclose // As above.
			if err != nil {
				t.Fatalf("another's: %v", err)
			}
			defer other.CloseNow()

			_ = last.CloseNow()

			// Its place is given back.
			until(func() bool {
				k, _, err := c.dial("/ws") //nolint:bodyclose // As above.
				if err == nil {
					_ = k.CloseNow()
				}

				return err == nil
			})
		})
	}
}

// TestSwitched looks at what is told of a socket, which nobody answers in the usual
// way.
func TestSwitched(t *testing.T) {
	for reason, size := range map[string]int{"parked": 0, "joined": 1} {
		t.Run(reason, func(t *testing.T) {
			w := newWorld(t, size)

			k, _, err := w.program().dial("/ws") //nolint:bodyclose // It is the socket.
			if err != nil {
				t.Fatal(err)
			}

			_ = k.CloseNow()

			until(func() bool { return w.answers.has("/ws") })

			if got := w.answers.all[0].Status; got != http.StatusSwitchingProtocols {
				t.Errorf("a socket is told of with the status %d", got)
			}
		})
	}
}
