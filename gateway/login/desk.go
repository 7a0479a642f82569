// Package login lets people in: by the studio's password, or by an OpenID Connect
// provider that says who they are. What a login began with, and where it leads to,
// lies encrypted in a cookie and never in an address.
package login

import (
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/comfyui-studio/comfyui-studio/gateway/config"
	"github.com/comfyui-studio/comfyui-studio/gateway/cookie"
	"github.com/comfyui-studio/comfyui-studio/gateway/limit"
	"github.com/comfyui-studio/comfyui-studio/gateway/page"
	"github.com/comfyui-studio/comfyui-studio/gateway/secret"
	"github.com/comfyui-studio/comfyui-studio/gateway/viewer"
)

// Paths of the desk.
const (
	PathLogin    = "/_studio/login"
	PathLogout   = "/_studio/logout"
	PathCallback = "/_studio/callback"
)

// User is what everybody is called who knows the password.
const User = "studio"

const (
	// A studio has two front doors, and each counts for itself.
	loginEvery = 24 * time.Second
	loginBurst = 5
	// deviceLasts is how long a browser is known.
	deviceLasts = 90 * 24 * time.Hour
	// largestForm is more than a password needs.
	largestForm = 4 << 10
)

// A device is a browser that somebody logged in with. It has a limit of its own,
// so that nobody behind the same address shuts it out.
type device struct {
	ID string `json:"id"`
}

// A Desk is where people log in.
type Desk struct {
	Config  func() config.Config
	Secrets func() secret.Secrets
	Log     *slog.Logger
	// Client calls the OpenID Connect provider.
	Client *http.Client
	Now    func() time.Time

	hasher    *hasher
	addresses *limit.ByAddress
	devices   *limit.Buckets[string]
	providers providers
}

// New opens a desk.
func New(c func() config.Config, s func() secret.Secrets, client *http.Client, log *slog.Logger) *Desk {
	return &Desk{
		Config: c, Secrets: s, Log: log, Client: client, Now: time.Now, hasher: newHasher(),
		addresses: limit.New[netip.Prefix](loginEvery, loginBurst), devices: limit.New[string](loginEvery, loginBurst),
	}
}

// Begin sends a browser to where one logs in, and remembers where it wanted to go.
// It is for pages alone: a login for each picture of one fills a browser with
// cookies until no request passes any more.
func (d *Desk) Begin(w http.ResponseWriter, r *http.Request) {
	to := d.target(r)

	if d.Config().Login.Mode == config.ModeOIDC {
		d.beginOIDC(w, r, to) //nolint:contextcheck // As in provider.
		return
	}

	if err := d.jar().Set(w, cookie.Login, "", attempt{Return: to}, d.Now(), attemptLasts); err != nil {
		d.fail(w, r, err)
		return
	}

	http.Redirect(w, r, PathLogin, http.StatusSeeOther)
}

// target is the page that was asked for.
func (*Desk) target(r *http.Request) string {
	if r.Method != http.MethodGet || r.URL.Path == PathLogin {
		return "/"
	}

	return Return(r.URL.RequestURI())
}

// ServeHTTP answers below the desk's paths. Whoever calls it has checked that what
// changes something comes from the studio's own pages.
func (d *Desk) ServeHTTP(w http.ResponseWriter, r *http.Request, from netip.Addr) {
	switch {
	case r.URL.Path == PathLogin && r.Method == http.MethodGet:
		d.show(w, r)
	case r.URL.Path == PathLogin && r.Method == http.MethodPost && d.Config().Login.Mode == config.ModePassword:
		d.password(w, r, from)
	case r.URL.Path == PathCallback && r.Method == http.MethodGet && d.Config().Login.Mode == config.ModeOIDC:
		d.finishOIDC(w, r, from)
	case r.URL.Path == PathLogout && r.Method == http.MethodGet:
		page.Logout(w, page.LoginData{Studio: d.Config().Studio})
	case r.URL.Path == PathLogout && r.Method == http.MethodPost:
		d.logout(w, r)
	default:
		http.Error(w, "Not found", http.StatusNotFound)
	}
}

func (d *Desk) show(w http.ResponseWriter, r *http.Request) {
	if _, ok := d.Who(r, d.Now()); ok {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}

	if d.Config().Login.Mode == config.ModeOIDC {
		d.Begin(w, r)
		return
	}

	page.Login(w, http.StatusOK, page.LoginData{Studio: d.Config().Studio})
}

func (d *Desk) password(w http.ResponseWriter, r *http.Request, from netip.Addr) {
	now := d.Now()

	if wait, ok := d.mayTry(r, from, now); !ok {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
		page.Login(w, http.StatusTooManyRequests, page.LoginData{Studio: d.Config().Studio, Problem: "Too many attempts. Please wait a little."})

		return
	}

	r.Body = http.MaxBytesReader(w, r.Body, largestForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "Cannot read the form", http.StatusBadRequest)
		return
	}

	held := d.Secrets()

	switch ok, err := d.hasher.check(r.Context(), held.PasswordHash, r.PostForm.Get("password")); {
	case errors.Is(err, errBusy):
		w.Header().Set("Retry-After", "2")
		page.Login(w, http.StatusTooManyRequests, page.LoginData{Studio: d.Config().Studio, Problem: "Many people log in just now. Please try again."})

		return
	case err != nil:
		d.fail(w, r, err)
		return
	case !ok:
		d.Log.Warn("a login failed", "address", from)
		page.Login(w, http.StatusUnauthorized, page.LoginData{Studio: d.Config().Studio, Problem: "That is not the password."})

		return
	}

	var a attempt

	d.jar().Get(r, cookie.Login, "", now, &a)
	d.jar().Clear(w, cookie.Login, "")

	if err := d.admit(w, Session{User: User, Mode: config.ModePassword, Epoch: held.PasswordEpoch}, now); err != nil {
		d.fail(w, r, err)
		return
	}

	d.Log.Info("somebody logged in", "user", User, "address", from)
	http.Redirect(w, r, Return(a.Return), http.StatusSeeOther)
}

func (d *Desk) mayTry(r *http.Request, from netip.Addr, now time.Time) (time.Duration, bool) {
	var known device
	if _, ok := d.jar().Get(r, cookie.Device, "", now, &known); ok && known.ID != "" {
		return d.devices.Allow(known.ID, now)
	}

	return d.addresses.Allow(viewer.Neighbourhood(from), now)
}

func (d *Desk) logout(w http.ResponseWriter, r *http.Request) {
	for _, purpose := range []cookie.Purpose{cookie.Session, cookie.Pin, cookie.Login} {
		d.jar().Clear(w, purpose, "")
	}

	http.Redirect(w, r, PathLogin, http.StatusSeeOther)
}

func (d *Desk) fail(w http.ResponseWriter, r *http.Request, err error) {
	d.Log.Error("cannot log somebody in", "path", r.URL.Path, "error", err)
	page.Problem(w, http.StatusServiceUnavailable, "Logging in does not work just now", "Please try again in a minute. The studio's administrator finds the reason in the front door's log.")
}
