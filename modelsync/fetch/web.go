package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// mostHops is how often a source may send on.
const mostHops = 10

// A webSource is a file on the web.
type webSource struct {
	client *http.Client
	url    string
	token  string
	at     about
}

// hints are what a source tells of a file while it sends on to where it lies.
type hints struct{ sha256 string }

type hintsKey struct{}

// newWeb is a client that takes a token to nobody but the host it is for.
func newWeb(t http.RoundTripper, connections int) *http.Client {
	if t == nil {
		t = transport(connections)
	}

	return &http.Client{Transport: t, CheckRedirect: follow}
}

// transport opens a connection for each range: over HTTP/2 all of them would
// share one, and hosts give each connection a part of what they have.
func transport(connections int) *http.Transport {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		t = &http.Transport{}
	}

	t = t.Clone()
	t.MaxIdleConnsPerHost = connections
	t.ForceAttemptHTTP2 = false
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	// Bytes are wanted as they lie there: a model that is unpacked on the way has
	// another size.
	t.DisableCompression = true
	t.ReadBufferSize = 128 << 10
	t.ResponseHeaderTimeout = time.Minute

	return t
}

// follow goes where a source sends on to. The standard client keeps a token for
// subdomains, other ports and for plain HTTP; we do not. Once a request has left
// its host it never carries the token again.
func follow(r *http.Request, via []*http.Request) error {
	if len(via) >= mostHops {
		return refuse(Source, "the source sends on more than %d times", mostHops)
	}

	if r.URL.Scheme != "https" {
		return refuse(Insecure, "the source sends on to %s, which is no https", redacted(r.URL))
	}

	for _, hop := range append(via, r) {
		if hop.URL.Host != via[0].URL.Host {
			r.Header.Del("Authorization")
		}
	}

	// It would carry the first URL's query to another host.
	r.Header.Del("Referer")

	if h, ok := r.Context().Value(hintsKey{}).(*hints); ok && r.Response != nil {
		h.read(r.Response.Header)
	}

	return nil
}

var hex64 = regexp.MustCompile(`^[0-9a-f]{64}$`)

// read takes what Hugging Face tells of a file in its LFS before it sends on: the
// ETag is the content's SHA-256.
func (h *hints) read(from http.Header) {
	if tag := strings.Trim(from.Get("X-Linked-Etag"), `"`); hex64.MatchString(tag) {
		h.sha256 = tag
	}
}

// look asks for the first byte: not every source answers HEAD, and those that
// sign the method refuse it.
func (w *webSource) look(ctx context.Context) (about, error) {
	h := &hints{}

	rsp, err := w.get(context.WithValue(ctx, hintsKey{}, h), "bytes=0-0", "")
	if err != nil {
		return about{}, err
	}
	defer rsp.Body.Close()

	h.read(rsp.Header)

	at := about{size: rsp.ContentLength, sha256: h.sha256, page: strings.HasPrefix(rsp.Header.Get("Content-Type"), "text/html")}

	switch rsp.StatusCode {
	case http.StatusOK:
	case http.StatusPartialContent:
		_, _, at.size, err = contentRange(rsp.Header)
		at.ranges = true
	case http.StatusRequestedRangeNotSatisfiable:
		// A file of no bytes has no first one.
		at.size, at.ranges = 0, true
	default:
		err = w.refused(rsp)
	}

	if err != nil {
		return about{}, err
	}

	if tag := rsp.Header.Get("ETag"); !strings.HasPrefix(tag, "W/") {
		at.version = tag
	}

	w.at = at

	return at, nil
}

// open reads a range, or all from the start where the source knows no ranges.
func (w *webSource) open(ctx context.Context, off, n int64) (io.ReadCloser, error) {
	var ranged string
	if w.at.ranges {
		ranged = fmt.Sprintf("bytes=%d-%d", off, off+n-1)
	}

	rsp, err := w.get(ctx, ranged, w.at.version)
	if err != nil {
		return nil, err
	}

	switch {
	case rsp.StatusCode == http.StatusPartialContent && w.at.ranges:
		var first, last, size int64

		first, last, size, err = contentRange(rsp.Header)
		if err == nil && (first != off || last != off+n-1 || size >= 0 && size != w.at.size) {
			err = passing(Source, "the source gives bytes %d to %d of %d, not %d to %d of %d", first, last, size, off, off+n-1, w.at.size)
		}
	case rsp.StatusCode == http.StatusOK && !w.at.ranges:
	case rsp.StatusCode == http.StatusOK:
		err = passing(Changed, "the file changed while it was read")
	default:
		err = w.refused(rsp)
	}

	if err != nil {
		_ = rsp.Body.Close()
		return nil, err
	}

	return rsp.Body, nil
}

func (w *webSource) get(ctx context.Context, ranged, version string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url, nil)
	if err != nil {
		return nil, refuse(Source, "the url cannot be asked for: %w", redact(err))
	}

	r.Header.Set("User-Agent", "comfyui-studio")
	r.Header.Set("Accept-Encoding", "identity")

	if ranged != "" {
		r.Header.Set("Range", ranged)

		if version != "" {
			r.Header.Set("If-Range", version)
		}
	}

	if w.token != "" {
		r.Header.Set("Authorization", "Bearer "+w.token)
	}

	rsp, err := w.client.Do(r)
	if err == nil {
		return rsp, nil
	}

	// One that follow refused has its code already.
	if _, ok := errors.AsType[*refusal](err); ok {
		return nil, redact(err)
	}

	return nil, passing(Unreachable, "the source cannot be reached: %w", redact(err))
}

// refused is why a source does not give the file.
func (w *webSource) refused(rsp *http.Response) error {
	from := redacted(rsp.Request.URL)

	switch code := rsp.StatusCode; {
	case (code == http.StatusUnauthorized || code == http.StatusForbidden) && w.token == "":
		return refuse(Gated, "%s says %s", from, rsp.Status)
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return refuse(Token, "%s says %s", from, rsp.Status)
	case code == http.StatusNotFound || code == http.StatusGone:
		return refuse(Missing, "%s says %s", from, rsp.Status)
	case code == http.StatusTooManyRequests || code == http.StatusRequestTimeout || code >= http.StatusInternalServerError:
		return passing(Busy, "%s says %s", from, rsp.Status)
	default:
		return refuse(Source, "%s says %s", from, rsp.Status)
	}
}

var byteRange = regexp.MustCompile(`^bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)$`)

// contentRange is what a header says of a range: its first and last byte and the
// size of the whole, or -1.
func contentRange(h http.Header) (first, last, size int64, err error) {
	m := byteRange.FindStringSubmatch(h.Get("Content-Range"))
	if m == nil {
		return 0, 0, 0, passing(Source, "the source gives the range %q, which cannot be read", h.Get("Content-Range"))
	}

	size = -1

	for i, to := range []*int64{&first, &last, &size} {
		if m[i+1] == "*" {
			continue
		}

		if *to, err = strconv.ParseInt(m[i+1], 10, 64); err != nil {
			return 0, 0, 0, passing(Source, "the source gives the range %q, which cannot be read", m[0])
		}
	}

	return first, last, size, nil
}
