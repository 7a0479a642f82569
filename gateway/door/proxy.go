package door

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"sync"
	"time"

	"github.com/comfyui-studio/comfyui-studio/gateway/header"
	"github.com/comfyui-studio/comfyui-studio/gateway/route"
	"github.com/comfyui-studio/comfyui-studio/gateway/servers"
)

const (
	// maxUpload is ComfyUI's own limit of a request.
	maxUpload = 100 << 20
	// bodyStart and bodyRate bound how long a body may take: a while to begin, and a
	// second for each kilobyte.
	bodyStart = 30 * time.Second
	bodyRate  = 1 << 10
)

// target is where a request goes, in its context.
type target struct {
	server servers.Server
	// contain says that users wrote what is answered.
	contain bool
	// page says that it is ComfyUI's page.
	page bool
}

type targetKey struct{}

func (d *Door) newProxy() *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite:        d.rewrite,
		Transport:      d.Transport,
		ModifyResponse: d.modify,
		ErrorHandler:   d.failed,
		ErrorLog:       slog.NewLogLogger(d.Log.Handler(), slog.LevelDebug),
		BufferPool:     &pieces,
	}
}

// rewrite makes the request for the server. Hop-by-hop headers are gone already: a
// viewer's Connection can take away nothing that is set here.
func (d *Door) rewrite(p *httputil.ProxyRequest) {
	t, _ := p.In.Context().Value(targetKey{}).(target)

	p.Out.URL.Scheme, p.Out.URL.Host, p.Out.Host = "http", t.server.Addr, t.server.Addr
	// As it came: Go leaves out what it cannot read itself.
	p.Out.URL.RawQuery = p.In.URL.RawQuery

	prepare(p.Out, p.In, d.Config().Edge.OriginHeader)

	if t.page {
		// What is added to the page must meet text, and the whole of it.
		for _, name := range []string{"Accept-Encoding", "Range", "If-None-Match", "If-Modified-Since", "If-Range"} {
			p.Out.Header.Del(name)
		}
	}
}

// prepare takes out of a request what a server must not see. ComfyUI answers 403
// to whoever comes from another site's link, which was judged here already.
func prepare(out, in *http.Request, origin string) {
	header.Clean(out.Header, origin)

	if header.Navigation(in) {
		out.Header.Del("Sec-Fetch-Site")
	}

	out.Header.Del("Upgrade")
}

func (d *Door) modify(res *http.Response) error {
	t, _ := res.Request.Context().Value(targetKey{}).(target)

	header.Secure(res.Header, d.Config().Edge.Encrypted)
	res.Header.Set("X-Studio-Server", t.server.Tag.String())

	// A server has no protocol to change to but the websocket's, which goes another way.
	if res.StatusCode == http.StatusSwitchingProtocols {
		return errors.New("the server changed the protocol")
	}

	if t.contain {
		header.Contain(res.Header)
	}

	if t.page {
		return addBeat(res)
	}

	return nil
}

// failed answers for a server that did not. A browser that left is no failure of
// the server's.
func (d *Door) failed(w http.ResponseWriter, r *http.Request, err error) {
	t, _ := r.Context().Value(targetKey{}).(target)

	if big := (*http.MaxBytesError)(nil); errors.As(err, &big) {
		refuse(w, r, http.StatusRequestEntityTooLarge, "The request is too large.")
		return
	}

	if r.Context().Err() != nil {
		// Nobody reads it; it is for the log.
		w.WriteHeader(statusClientGone)
		return
	}

	d.Log.Warn("a server did not answer", "server", t.server.Pod, "path", r.URL.Path, "error", err)
	w.Header().Set("Retry-After", "5")
	refuse(w, r, http.StatusBadGateway, "The server did not answer.")
}

// statusClientGone is what other proxies write for a client that left.
const statusClientGone = 499

// send hands a request to a server.
func (d *Door) send(w http.ResponseWriter, r *http.Request, t target) {
	r = bounded(w, r, maxUpload)
	d.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), targetKey{}, t)))
}

// forward hands a request to whichever server is somebody's.
func (d *Door) forward(w http.ResponseWriter, r *http.Request, who caller) {
	s, pool, ok := d.server(r, who)
	if !ok {
		d.asleep(w, r, who, pool)
		return
	}

	d.send(w, r, target{server: s, contain: contained(r)})
}

// contained says that what is answered was written by users.
func contained(r *http.Request) bool {
	segments, err := route.Canonical(r.URL)
	return err != nil || route.OfUsers(segments)
}

// bounded has a body be of a size, and come in time.
func bounded(w http.ResponseWriter, r *http.Request, size int64) *http.Request {
	if r.Body == nil || r.Body == http.NoBody {
		return r
	}

	out := *r
	out.Body = http.MaxBytesReader(w, &timed{ReadCloser: r.Body, control: http.NewResponseController(w), began: time.Now()}, size)

	return &out
}

// timed has a body advance. The time ends with the body: the server reads on to
// see whether the client is still there.
type timed struct {
	io.ReadCloser

	control *http.ResponseController
	began   time.Time
	bytes   int64
}

// Read reads a piece in the time that all of it has so far.
func (t *timed) Read(b []byte) (int, error) {
	// A recorder of tests has no deadlines.
	_ = t.control.SetReadDeadline(t.began.Add(bodyStart + time.Duration(t.bytes/bodyRate)*time.Second))

	n, err := t.ReadCloser.Read(b)
	t.bytes += int64(n)

	if err != nil {
		_ = t.control.SetReadDeadline(time.Time{})
	}

	return n, err
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// pieces are what answers are copied with.
var pieces = pool{sync.Pool{New: func() any { return new([32 << 10]byte) }}} //nolint:gochecknoglobals // Answers share them, or they save nothing.

type pool struct{ sync.Pool }

// Get lends a piece.
func (p *pool) Get() []byte {
	b, _ := p.Pool.Get().(*[32 << 10]byte)
	return b[:]
}

// Put takes it back.
func (p *pool) Put(b []byte) { p.Pool.Put((*[32 << 10]byte)(b)) }
