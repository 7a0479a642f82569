package run

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/comfyui-studio/comfyui-studio/gateway/door"
)

// Memory is how much Go may use before it collects all that it can. Beyond it the
// front door gets slower, and is not ended.
const Memory = 52 << 20

const (
	// headerTime is how long a request's head may take: who sends it a byte at a time
	// holds no connection for longer.
	headerTime  = 10 * time.Second
	headerBytes = 32 << 10
	// idleTime is longer than the load balancer keeps an idle connection: it must be
	// the one that closes it, or it sends a request into a closing one.
	idleTime = 180 * time.Second
	// noticing is what the load balancer takes to see that we are not healthy: two
	// checks of five seconds, and some.
	noticing = 15 * time.Second
	// letting is the time in which sockets are let go, and finishing what requests
	// have after that.
	letting   = 8 * time.Second
	finishing = 25 * time.Second
)

// trafficServer has no time for a whole request or answer: uploads, pictures and
// events take what they take, and each piece of them has its own.
func trafficServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: headerTime, MaxHeaderBytes: headerBytes, IdleTimeout: idleTime,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// health answers the load balancer and the kubelet, on a port of its own.
type health struct {
	leaving atomic.Bool
	ready   func() bool
}

func (h *health) routes(metrics, peers http.Handler) http.Handler {
	mux := http.NewServeMux()
	answer := func(ok func() bool) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if !ok() {
				http.Error(w, "not now", http.StatusServiceUnavailable)
				return
			}

			_, _ = w.Write([]byte("ok\n"))
		}
	}
	serving := answer(func() bool { return !h.leaving.Load() && h.ready() })

	mux.HandleFunc("GET /healthz", serving)
	mux.HandleFunc("GET /readyz", serving)
	mux.HandleFunc("GET /livez", answer(func() bool { return true }))
	mux.Handle("GET /metrics", metrics)
	mux.Handle("/peer/", peers)

	return mux
}

// leave goes in the order that loses nothing: be seen as leaving, go on serving
// until that was seen, let sockets go, finish requests.
func (h *health) leave(traffic *http.Server, d *door.Door, log *slog.Logger, notice time.Duration) {
	log.Info("leaving")
	h.leaving.Store(true)
	// Clients that keep connections look for others.
	traffic.SetKeepAlivesEnabled(false)
	time.Sleep(notice)

	ctx, stop := context.WithTimeout(context.Background(), finishing)
	defer stop()

	d.Leave(ctx, letting)

	if err := traffic.Shutdown(ctx); err != nil {
		log.Error("not every request was finished", "error", err)
	}
}

func serve(s *http.Server, l net.Listener, failed chan<- error) {
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		failed <- err
	}
}

// logged writes what was answered. Neither query nor header nor body is in it.
func logged(log *slog.Logger) func(door.Answer) {
	return func(a door.Answer) {
		log.Info("request", "method", a.Method, "path", a.Path, "status", a.Status, "bytes", a.Bytes, "took", a.Took.Milliseconds(),
			"user", a.User, "program", a.Program, "address", a.From)
	}
}
