// Package door is what the studio's people and programs speak to. It finds out who
// asks, refuses what they may not, and hands the rest to the ComfyUI server that
// can answer.
//
// The order is what makes it safe: where a request comes from, what its path is,
// who asks, whether the studio's own page asks, and only then what.
package door

import (
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"strconv"
	"time"

	"github.com/comfyui-studio/comfyui-studio/gateway/config"
	"github.com/comfyui-studio/comfyui-studio/gateway/header"
	"github.com/comfyui-studio/comfyui-studio/gateway/limit"
	"github.com/comfyui-studio/comfyui-studio/gateway/login"
	"github.com/comfyui-studio/comfyui-studio/gateway/page"
	"github.com/comfyui-studio/comfyui-studio/gateway/route"
	"github.com/comfyui-studio/comfyui-studio/gateway/secret"
	"github.com/comfyui-studio/comfyui-studio/gateway/servers"
	"github.com/comfyui-studio/comfyui-studio/gateway/token"
	"github.com/comfyui-studio/comfyui-studio/gateway/viewer"
)

// Options are what a door needs.
type Options struct {
	Config  func() config.Config
	Secrets func() secret.Secrets
	Table   *servers.Table
	Desk    *login.Desk
	// Waker starts servers.
	Waker Waker
	// Peers are the other front doors.
	Peers Peers
	// Transport calls servers.
	Transport http.RoundTripper
	Log       *slog.Logger
	Now       func() time.Time
	// Seen is told of everything that was answered.
	Seen func(Answer)
	// Waited is told how long a prompt waited for a server, and whether one came. It
	// may be missing.
	Waited func(pool string, came bool, took time.Duration)
}

// A Door answers requests.
type Door struct {
	Options

	proxy   *httputil.ReverseProxy
	client  *http.Client
	guesses *limit.ByAddress
	sockets sockets
	found   *found
	// asked is whose prompt a caller asked for last.
	asked *found
	ids   locks
	users *users
}

const (
	// Programs have their token in a file, so a wrong one is a mistake or a guess.
	guessEvery = 2 * time.Second
	guessBurst = 20
)

// New opens a door.
func New(o Options) *Door {
	d := &Door{
		Options: o, client: &http.Client{Transport: o.Transport, CheckRedirect: noRedirect},
		guesses: limit.New[netip.Prefix](guessEvery, guessBurst), found: newFound(), asked: newFound(), users: newUsers(),
	}
	d.proxy = d.newProxy()

	return d
}

// A caller is who asks.
type caller struct {
	// User names them in logs and limits.
	User string
	// Program says that they came with a token.
	Program bool
	session login.Session
	from    netip.Addr
}

// key tells callers apart who share a name.
func (c caller) key() string {
	if c.Program {
		return "token/" + c.User
	}

	if c.session.Mode == config.ModePassword {
		return "session/" + c.session.ID
	}

	return "person/" + c.User
}

// ServeHTTP answers a request.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := d.Now()
	rec := record(w)
	a := Answer{Method: r.Method, Path: r.URL.Path}

	defer func() {
		a.Status, a.Bytes, a.Took = rec.status, rec.bytes, d.Now().Sub(began)
		if d.Seen != nil {
			d.Seen(a)
		}
	}()

	d.serve(rec, r, &a) //nolint:contextcheck // The request has it.
}

func (d *Door) serve(w http.ResponseWriter, r *http.Request, a *Answer) {
	c, held := d.Config(), d.Secrets()
	proven := viewer.Proven(r, c.Edge, held.Origins)
	a.From = viewer.Address(r, c.Edge, proven)

	if !proven || !viewer.Allowed(a.From, c.Edge.AllowedCIDRs) {
		refuse(w, r, http.StatusForbidden, "The studio is not open to you from here.")
		return
	}

	segments, err := route.Canonical(r.URL)
	if err != nil {
		refuse(w, r, http.StatusBadRequest, "The path can be read in more than one way.")
		return
	}

	what := route.Table{NodeRoutes: set(c.NodeRoutes)}.Find(r.Method, segments)
	if what.Kind == route.Own && d.open(w, r, segments, a.From) {
		return
	}

	who, ok := d.identify(w, r, a.From)
	if !ok {
		return
	}

	a.User, a.Program, a.Session = who.User, who.Program, who.session.ID

	if !who.Program && viewer.Changes(r) && !viewer.OwnSite(r, c.Edge) {
		refuse(w, r, http.StatusForbidden, "The request comes from another site.")
		return
	}

	if viewer.Upgrade(r) && what.Kind != route.Socket {
		refuse(w, r, http.StatusBadRequest, "Only the websocket changes the protocol.")
		return
	}

	d.answer(w, r, who, what, segments)
}

// open answers what needs no login.
func (d *Door) open(w http.ResponseWriter, r *http.Request, segments []string, from netip.Addr) bool {
	if len(segments) != 2 || viewer.Upgrade(r) {
		return false
	}

	switch "/" + segments[0] + "/" + segments[1] {
	case login.PathLogin, login.PathLogout, login.PathCallback:
		if viewer.Changes(r) && !viewer.OwnSite(r, d.Config().Edge) {
			refuse(w, r, http.StatusForbidden, "The request comes from another site.")
			return true
		}

		d.Desk.ServeHTTP(w, r, from)

		return true
	}

	return r.Method == http.MethodGet && page.File(w, r, segments[1])
}

// identify finds out who asks, or answers that nobody does.
func (d *Door) identify(w http.ResponseWriter, r *http.Request, from netip.Addr) (caller, bool) {
	now := d.Now()

	if text, shown := token.Shown(r); shown {
		return d.program(w, r, text, from, now)
	}

	if s, ok := d.Desk.Who(r, now); ok {
		return caller{User: s.User, session: s, from: from}, true
	}

	if header.Navigation(r) && !viewer.Upgrade(r) {
		d.Desk.Begin(w, r)
		return caller{}, false
	}

	w.Header().Set("WWW-Authenticate", `Bearer realm="studio"`)
	refuse(w, r, http.StatusUnauthorized, "Log in, or send a token.")

	return caller{}, false
}

func (d *Door) program(w http.ResponseWriter, r *http.Request, text string, from netip.Addr, now time.Time) (caller, bool) {
	if name, ok := d.Secrets().Tokens.Name(text); ok {
		return caller{User: name, Program: true, from: from}, true
	}

	if wait, ok := d.guesses.Allow(viewer.Neighbourhood(from), now); !ok {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
		refuse(w, r, http.StatusTooManyRequests, "Too many wrong tokens come from your network.")

		return caller{}, false
	}

	w.Header().Set("WWW-Authenticate", `Bearer realm="studio", error="invalid_token"`)
	refuse(w, r, http.StatusUnauthorized, "The token is not one of the studio's.")

	return caller{}, false
}

// answer hands a request to what answers its kind.
func (d *Door) answer(w http.ResponseWriter, r *http.Request, who caller, what route.Route, segments []string) {
	switch what.Kind {
	case route.Refused:
		refuse(w, r, http.StatusNotFound, "There is no such path, or it is not open.")
	case route.Own:
		d.own(w, r, who, segments)
	case route.Page:
		d.page(w, r, who)
	case route.Socket:
		d.socket(w, r, who)
	case route.Submit:
		d.submit(w, r, who)
	case route.HistoryOf, route.Job, route.Cancel:
		d.ofPrompt(w, r, who, what)
	case route.Interrupt, route.ChangeQueue, route.ChangeHistory, route.CancelMany, route.Free:
		d.change(w, r, who, what)
	case route.Queue, route.History, route.Jobs:
		d.list(w, r, who, what)
	case route.View:
		d.view(w, r, who)
	case route.Load:
		d.load(w, r, who)
	case route.Static, route.Upload, route.Info, route.Other:
		d.forward(w, r, who)
	}
}

func set(all []string) map[string]bool {
	out := map[string]bool{}
	for _, s := range all {
		out[s] = true
	}

	return out
}

// pool is the pool that a request names, or the one it would be sent to.
func (d *Door) pool(r *http.Request, pinned string) (string, bool) {
	c := d.Config()

	if name := r.URL.Query().Get("pool"); name != "" {
		_, ok := c.Pool(name)
		return name, ok
	}

	if _, ok := c.Pool(pinned); ok {
		return pinned, true
	}

	return c.Pools[0].Name, true
}
