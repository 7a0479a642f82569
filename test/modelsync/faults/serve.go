package faults

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/loopback"
)

// Serve answers on a free port of this machine until stop is called, and
// returns its URL.
func (p *Proxy) Serve() (endpoint string, stop func(), err error) {
	// Not by a ServeMux: that one tidies paths, and keys are not paths.
	endpoint, end, err := loopback.Serve(p)
	if err != nil {
		return "", nil, err
	}

	return endpoint, func() {
		p.Quiet()
		end()
	}, nil
}

// ServeHTTP hands a request on and spoils the answer if the plan says so.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := p.choose(r)

	switch c.kind {
	case Internal:
		refuse(w, r, http.StatusInternalServerError, "InternalError")
	case SlowDown:
		refuse(w, r, http.StatusServiceUnavailable, "SlowDown")
	case Denied:
		refuse(w, r, http.StatusForbidden, "AccessDenied")
	default:
		p.forward(w, r, c)
	}
}

func (p *Proxy) forward(w http.ResponseWriter, r *http.Request, c choice) {
	// The host is signed, and the path is kept as it was written.
	out := r.Clone(r.Context())
	out.URL = &url.URL{Scheme: p.upstream.Scheme, Host: p.upstream.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	out.RequestURI = ""

	answer, err := p.transport.RoundTrip(out)
	if err != nil {
		panic(http.ErrAbortHandler)
	}

	defer answer.Body.Close()

	length := answer.ContentLength
	body := io.Reader(answer.Body)

	maps.Copy(w.Header(), answer.Header)

	ok := answer.StatusCode < http.StatusMultipleChoices && length > 0 && r.Method != http.MethodHead

	switch {
	case ok && c.kind == Short:
		length = c.random.Int64N(length)
		body = io.LimitReader(body, length)
		w.Header().Set("Content-Length", strconv.FormatInt(length, 10))
	case ok && c.kind == Flip && c.checked():
		body = &flipped{r: body, at: c.random.Int64N(length)}
	case ok && c.kind == OtherRange && answer.StatusCode == http.StatusPartialContent:
		w.Header().Set("Content-Range", shifted(answer.Header.Get("Content-Range")))
	}

	w.WriteHeader(answer.StatusCode)

	if ok && (c.kind == Cut || c.kind == Stall) {
		_, _ = io.CopyN(w, body, c.random.Int64N(length))
		_ = http.NewResponseController(w).Flush()

		if c.kind == Cut {
			panic(http.ErrAbortHandler)
		}

		select {
		case <-c.over:
		case <-r.Context().Done():
		}
	}

	if _, err := io.Copy(w, body); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// shifted tells of another place of the object than was asked for.
func shifted(header string) string {
	var first, last, size int64
	if n, _ := fmt.Sscanf(header, "bytes %d-%d/%d", &first, &last, &size); n != 3 { //nolint:mnd // Three numbers.
		return header
	}

	return fmt.Sprintf("bytes %d-%d/%d", first+1, last+1, size+1)
}

func refuse(w http.ResponseWriter, r *http.Request, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)

	if r.Method != http.MethodHead {
		_, _ = io.Copy(w, bytes.NewBufferString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>"+code+"</Code><Message>A fault of the test.</Message></Error>"))
	}
}

// flipped is a body with one wrong byte.
type flipped struct {
	r  io.Reader
	at int64
}

// Read reads on.
func (f *flipped) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if f.at >= 0 && f.at < int64(n) {
		p[f.at] ^= 0x40
	}

	f.at -= int64(n)

	return n, err
}
