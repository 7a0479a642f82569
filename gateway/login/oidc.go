package login

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/comfyui-studio/comfyui-studio/gateway/config"
	"github.com/comfyui-studio/comfyui-studio/gateway/cookie"
	"github.com/comfyui-studio/comfyui-studio/gateway/page"
	"github.com/comfyui-studio/comfyui-studio/gateway/viewer"
)

const (
	attemptLasts = 10 * time.Minute
	// attempts is how many logins of one browser may be under way.
	attempts = 3
	// providerTakes is how long the provider may take for one answer.
	providerTakes = 10 * time.Second
)

var errUnknown = errors.New("the provider's answer belongs to no login of this browser")

// An attempt is a login under way.
type attempt struct {
	Return   string `json:"r"`
	State    string `json:"s,omitempty"`
	Nonce    string `json:"n,omitempty"`
	Verifier string `json:"v,omitempty"`
}

// providers remembers what a provider said of itself. It is asked when somebody
// logs in and not before: the studio works while the provider does not.
type providers struct {
	mu     sync.Mutex
	issuer string
	known  *oidc.Provider
}

func (d *Desk) provider(issuer string) (*oidc.Provider, error) {
	d.providers.mu.Lock()
	defer d.providers.mu.Unlock()

	if d.providers.issuer == issuer && d.providers.known != nil {
		return d.providers.known, nil
	}

	// It keeps the context's client, and asks for keys with it later: the context
	// must not end with the request.
	p, err := oidc.NewProvider(oidc.ClientContext(context.Background(), d.client()), issuer)
	if err != nil {
		return nil, fmt.Errorf("cannot read what %s says of itself: %w", issuer, err)
	}

	d.providers.issuer, d.providers.known = issuer, p

	return p, nil
}

func (d *Desk) client() *http.Client {
	c := *d.Client
	c.Timeout = providerTakes

	return &c
}

func (d *Desk) oauth(r *http.Request, p *oidc.Provider) oauth2.Config {
	c := d.Config()

	return oauth2.Config{
		ClientID: c.Login.OIDC.ClientID, ClientSecret: d.Secrets().ClientSecret, Endpoint: p.Endpoint(),
		RedirectURL: viewer.URL(r, c.Edge, PathCallback), Scopes: scopes(c.Login.OIDC),
	}
}

// scopes asks for groups only where they are needed: some providers refuse a scope
// that they do not know.
func scopes(o *config.OIDC) []string {
	out := []string{oidc.ScopeOpenID, "email", "profile"}
	if len(o.AllowedGroups) > 0 {
		out = append(out, "groups")
	}

	return out
}

func (d *Desk) beginOIDC(w http.ResponseWriter, r *http.Request, to string) {
	p, err := d.provider(d.Config().Login.OIDC.Issuer)
	if err != nil {
		d.fail(w, r, err)
		return
	}

	now := d.Now()
	a := attempt{Return: to, State: random(), Nonce: random(), Verifier: oauth2.GenerateVerifier()}

	if err := d.jar().Set(w, cookie.Login, d.slot(r, now), a, now, attemptLasts); err != nil {
		d.fail(w, r, err)
		return
	}

	o := d.oauth(r, p)
	//nolint:gosec // It leads to the provider of the configuration.
	http.Redirect(w, r, o.AuthCodeURL(a.State, oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)), http.StatusSeeOther)
}

func slots() []string { return []string{"a", "b", "c"}[:attempts] }

// slot is the cookie for another attempt: a free one, or that of the oldest.
func (d *Desk) slot(r *http.Request, now time.Time) string {
	oldest, at := "", now.Add(time.Hour)

	for _, slot := range slots() {
		var a attempt

		issued, ok := d.jar().Get(r, cookie.Login, slot, now, &a)
		if !ok {
			return slot
		}

		if issued.Before(at) {
			oldest, at = slot, issued
		}
	}

	return oldest
}

func (d *Desk) finishOIDC(w http.ResponseWriter, r *http.Request, from netip.Addr) {
	now := d.Now()

	if wait, ok := d.mayTry(r, from, now); !ok {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
		page.Problem(w, http.StatusTooManyRequests, "Too many attempts", "Please wait a little.")

		return
	}

	a, err := d.attempt(w, r, now)
	if err != nil {
		d.refuse(w, from, err)
		return
	}

	if text := r.URL.Query().Get("error"); text != "" {
		d.refuse(w, from, errors.New("the provider says no"))
		return
	}

	s, err := d.exchange(r, a)
	if err != nil {
		d.refuse(w, from, err)
		return
	}

	if err := d.admit(w, s, now); err != nil {
		d.fail(w, r, err)
		return
	}

	d.Log.Info("somebody logged in", "user", s.User, "address", from)
	http.Redirect(w, r, Return(a.Return), http.StatusSeeOther)
}

// attempt finds the login that an answer belongs to, and has the browser forget it.
func (d *Desk) attempt(w http.ResponseWriter, r *http.Request, now time.Time) (attempt, error) {
	state := r.URL.Query().Get("state")

	for _, slot := range slots() {
		var a attempt
		if _, ok := d.jar().Get(r, cookie.Login, slot, now, &a); !ok || a.State == "" {
			continue
		}

		if subtle.ConstantTimeCompare([]byte(a.State), []byte(state)) == 1 {
			d.jar().Clear(w, cookie.Login, slot)
			return a, nil
		}
	}

	return attempt{}, errUnknown
}

func (d *Desk) exchange(r *http.Request, a attempt) (Session, error) {
	c := d.Config().Login.OIDC

	p, err := d.provider(c.Issuer) //nolint:contextcheck // As in provider.
	if err != nil {
		return Session{}, err
	}

	o := d.oauth(r, p)
	ctx := oidc.ClientContext(r.Context(), d.client())

	t, err := o.Exchange(ctx, r.URL.Query().Get("code"), oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return Session{}, fmt.Errorf("cannot exchange the code: %w", withoutBody(err))
	}

	raw, ok := t.Extra("id_token").(string)
	if !ok {
		return Session{}, errors.New("the provider sent no id_token")
	}

	id, err := p.Verifier(&oidc.Config{ClientID: c.ClientID, Now: d.Now}).Verify(ctx, raw)
	if err != nil {
		return Session{}, fmt.Errorf("cannot believe the id_token: %w", err)
	}

	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(a.Nonce)) != 1 {
		return Session{}, errors.New("the id_token is of another login")
	}

	return person(id, c)
}

// withoutBody keeps the provider's answer out of the log: it may hold what was sent.
func withoutBody(err error) error {
	if r := (*oauth2.RetrieveError)(nil); errors.As(err, &r) {
		return fmt.Errorf("the provider answered %s %s", r.Response.Status, r.ErrorCode)
	}

	return err
}

func (d *Desk) refuse(w http.ResponseWriter, from netip.Addr, err error) {
	d.Log.Warn("a login failed", "address", from, "error", err)
	page.Problem(w, http.StatusForbidden, "You are not logged in", "The login did not succeed, or your account is not on the studio's lists. Open the studio again to try once more.")
}
