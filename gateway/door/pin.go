package door

import (
	"net/http"
	"time"

	"github.com/comfyui-studio/comfyui-studio/gateway/cookie"
	"github.com/comfyui-studio/comfyui-studio/gateway/prompt"
	"github.com/comfyui-studio/comfyui-studio/gateway/servers"
)

// pinLasts is longer than a session.
const pinLasts = 24 * time.Hour

// A pin says which server somebody works on. It holds a tag and never an address:
// with an address a cookie would choose what the front door calls.
type pin struct {
	Pool   string `json:"p"`
	Server string `json:"s"`
}

func (d *Door) jar() cookie.Jar {
	return cookie.Jar{Keys: d.Secrets().Cookies, Encrypted: d.Config().Edge.Encrypted}
}

// pinned is the server that somebody works on, and its pool, if it is there still.
func (d *Door) pinned(r *http.Request) (servers.Server, string, bool) {
	var p pin
	if _, ok := d.jar().Get(r, cookie.Pin, "", d.Now(), &p); !ok {
		return servers.Server{}, "", false
	}

	tag, ok := prompt.ParseTag(p.Server)
	if !ok {
		return servers.Server{}, p.Pool, false
	}

	s, ok := d.Table.Find(tag)

	return s, p.Pool, ok && s.Pool == p.Pool
}

// pin has somebody work on a server from now on.
func (d *Door) pin(w http.ResponseWriter, s servers.Server) error {
	return d.jar().Set(w, cookie.Pin, "", pin{Pool: s.Pool, Server: s.Tag.String()}, d.Now(), pinLasts)
}

// stays says that somebody may go on working on a server. One that is not ready
// for a moment loads a model.
func stays(s servers.Server) bool { return !s.Leaving && !s.Draining }

// server is the one that answers somebody's requests between two pages: their own,
// or where they have none, one that all front doors agree on.
func (d *Door) server(r *http.Request, who caller) (servers.Server, string, bool) {
	pool := ""

	if !who.Program {
		s, pinnedPool, ok := d.pinned(r)
		if ok {
			return s, s.Pool, true
		}

		pool = pinnedPool
	}

	pool, ok := d.pool(r, pool)
	if !ok {
		return servers.Server{}, pool, false
	}

	s, ok := d.Table.For(pool, who.key())

	return s, pool, ok
}
