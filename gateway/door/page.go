package door

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/comfyui-studio/comfyui-studio/gateway/servers"
)

// beat tells that somebody is at work. Somebody who draws a graph asks the server
// nothing for half an hour, and a tab that was left open asks it all the time.
const beat = `<script src="/_studio/beat.js" defer></script>`

// largestPage is more than ComfyUI's page has.
const largestPage = 4 << 20

// page opens the studio: on the server that somebody worked on before, or on that
// with the least to do.
func (d *Door) page(w http.ResponseWriter, r *http.Request, who caller) {
	s, pool, ok := d.seat(w, r, who)

	switch {
	case pool == "":
		noPool(w, r)
	case ok:
		d.send(w, r, target{server: s, page: true})
	default:
		d.asleep(w, r, who, pool)
	}
}

// seat finds somebody's server, and gives them another if theirs is gone or about
// to go. The pool is empty if there is none of that name.
func (d *Door) seat(w http.ResponseWriter, r *http.Request, who caller) (servers.Server, string, bool) {
	var (
		mine   servers.Server
		pinned string
		had    bool
	)

	if !who.Program {
		mine, pinned, had = d.pinned(r)
	}

	pool, ok := d.pool(r, pinned)
	if !ok {
		return servers.Server{}, "", false
	}

	if had && mine.Pool == pool && stays(mine) {
		return mine, pool, true
	}

	s, ok := d.Table.Least(pool)
	if !ok || who.Program {
		return s, pool, ok
	}

	if had {
		w.Header().Set("X-Studio-Moved", s.Tag.String())
	}

	if err := d.pin(w, s); err != nil {
		d.Log.Error("cannot pin a session", "error", err)
	}

	return s, pool, true
}

// addBeat adds the beacon to the page.
func addBeat(res *http.Response) error {
	if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") || res.Header.Get("Content-Encoding") != "" {
		return nil
	}

	b, err := io.ReadAll(io.LimitReader(res.Body, largestPage+1))
	_ = res.Body.Close()

	if err != nil {
		return fmt.Errorf("cannot read the page: %w", err)
	}

	if len(b) > largestPage {
		return fmt.Errorf("cannot read the page: it has more than %d bytes", largestPage)
	}

	if at := bytes.Index(b, []byte("</head>")); at >= 0 {
		b = bytes.Join([][]byte{b[:at], []byte(beat), b[at:]}, nil)
	} else {
		b = append(b, beat...)
	}

	res.Body = io.NopCloser(bytes.NewReader(b))
	res.ContentLength = int64(len(b))
	res.Header.Set("Content-Length", strconv.Itoa(len(b)))
	res.Header.Set("Cache-Control", "no-store")

	for _, name := range []string{"ETag", "Last-Modified", "Accept-Ranges"} {
		res.Header.Del(name)
	}

	return nil
}
