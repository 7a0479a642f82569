package login

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/gateway/config"
	"github.com/comfyui-studio/comfyui-studio/gateway/cookie"
	"github.com/comfyui-studio/comfyui-studio/gateway/secret"
)

// A studio is a desk over HTTP, with one page behind it.
type studio struct {
	*testing.T

	desk   *Desk
	issuer *issuer
	config config.Config
	url    string
}

func newStudio(t *testing.T) *studio {
	t.Helper()

	s := &studio{T: t, issuer: newIssuer(t)}
	s.config = config.Config{Login: config.Login{Mode: config.ModeOIDC, OIDC: &config.OIDC{
		Issuer: s.issuer.URL, ClientID: "studio", AllowedEmails: []string{"Guest@example.org"}, AllowedDomains: []string{"example.com"}, AllowedGroups: []string{"artists"},
	}}}

	keys, err := cookie.New(make([]byte, cookie.KeySize))
	if err != nil {
		t.Fatal(err)
	}

	held := secret.Secrets{Cookies: keys, ClientSecret: "client secret"}
	s.desk = New(func() config.Config { return s.config }, func() secret.Secrets { return held }, http.DefaultClient, slog.New(slog.NewTextHandler(t.Output(), nil)))

	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/_studio/") {
			s.desk.ServeHTTP(w, r, netip.MustParseAddr("192.0.2.1"))
			return
		}

		if who, ok := s.desk.Who(r, time.Now()); ok {
			write(w, who)
			return
		}

		s.desk.Begin(w, r)
	}))
	t.Cleanup(front.Close)
	s.url = front.URL

	return s
}

func (s *studio) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.Fatal(err)
	}

	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// reply is what is looked at of a response.
type reply struct {
	StatusCode int
	Header     http.Header
}

func (s *studio) get(c *http.Client, path string) (reply, Session) {
	s.Helper()

	req, err := http.NewRequestWithContext(s.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		s.Fatal(err)
	}

	res, err := c.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()

	var who Session
	if res.StatusCode == http.StatusOK {
		_ = json.NewDecoder(res.Body).Decode(&who)
	}

	return reply{res.StatusCode, res.Header}, who
}

// TestOIDC logs people in whom the provider knows, and lets in those on the lists.
func TestOIDC(t *testing.T) {
	cases := map[string]struct {
		reason string
		claims func(map[string]any)
		user   string
		via    Grant
	}{
		"Domain":     {reason: "Everybody of a domain.", user: "alice@example.com", via: Grant{Domain: "example.com"}},
		"Email":      {reason: "One address of another, in whatever letters.", claims: func(c map[string]any) { c["email"] = "guest@Example.org" }, user: "guest@example.org", via: Grant{Email: "guest@example.org"}},
		"Group":      {reason: "Members of a group, also without an address.", claims: func(c map[string]any) { delete(c, "email"); c["groups"] = []string{"x", "artists"} }, user: "1234", via: Grant{Group: "artists"}},
		"Text":       {reason: "Some providers write true as text.", claims: func(c map[string]any) { c["email_verified"] = "true" }, user: "alice@example.com", via: Grant{Domain: "example.com"}},
		"Unverified": {reason: "Anybody can write an address into an account.", claims: func(c map[string]any) { c["email_verified"] = false }},
		"Unsaid":     {reason: "What is not said is not so.", claims: func(c map[string]any) { delete(c, "email_verified") }},
		"Other":      {reason: "Another domain's are not let in.", claims: func(c map[string]any) { c["email"] = "alice@example.net" }},
		"Subdomain":  {reason: "A subdomain is a domain of its own.", claims: func(c map[string]any) { c["email"] = "alice@evil.example.com" }},
		"Suffix":     {reason: "The whole domain counts.", claims: func(c map[string]any) { c["email"] = "alice@evilexample.com" }},
		"TwoAts":     {reason: "The domain is behind the last @ (GHSA-c5c4-8r6x-56w3).", claims: func(c map[string]any) { c["email"] = "alice@example.com@evil.example" }},
		"AtFirst":    {reason: "An address has a name.", claims: func(c map[string]any) { c["email"] = "@example.com" }},
		"GroupCase":  {reason: "Groups are as the provider writes them.", claims: func(c map[string]any) { delete(c, "email"); c["groups"] = []string{"Artists"} }},
		"EmptyGroup": {reason: "No group is none.", claims: func(c map[string]any) { delete(c, "email"); c["groups"] = []string{""} }},
		"Nonce":      {reason: "A token of another login is none.", claims: func(c map[string]any) { c["nonce"] = "other" }},
		"Audience":   {reason: "One for another program is none.", claims: func(c map[string]any) { c["aud"] = "other" }},
		"Issuer":     {reason: "One of another provider is none.", claims: func(c map[string]any) { c["iss"] = "https://evil.example" }},
		"Expired":    {reason: "It ends.", claims: func(c map[string]any) { c["exp"] = time.Now().Add(-time.Hour).Unix() }},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := newStudio(t)
			if tc.claims != nil {
				s.issuer.claims = tc.claims
			}

			c := s.browser()
			begin, _ := s.get(c, "/?workflow=a")
			back := s.issuer.authorize(t, begin.Header.Get("Location"))
			end, _ := s.get(c, PathCallback+"?"+back.Encode())

			_, who := s.get(c, "/")
			if diff := cmp.Diff([]any{tc.user, tc.via}, []any{who.User, who.Via}); diff != "" {
				t.Errorf("%s\n-want, +got:\n%s", tc.reason, diff)
			}

			want := []any{http.StatusSeeOther, "/?workflow=a"}
			if tc.user == "" {
				want = []any{http.StatusForbidden, ""}
			}

			if diff := cmp.Diff(want, []any{end.StatusCode, end.Header.Get("Location")}); diff != "" {
				t.Errorf("%s\ncallback: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestCallback comes back in ways that a login does not.
func TestCallback(t *testing.T) {
	cases := map[string]struct {
		reason string
		path   func(s *studio, c *http.Client, back url.Values) string
	}{
		"State": {reason: "An answer to no question.", path: func(_ *studio, _ *http.Client, b url.Values) string {
			b.Set("state", "x")
			return PathCallback + "?" + b.Encode()
		}},
		"NoState": {reason: "An answer without one.", path: func(_ *studio, _ *http.Client, b url.Values) string {
			b.Del("state")
			return PathCallback + "?" + b.Encode()
		}},
		"Code": {reason: "A code that was made up.", path: func(_ *studio, _ *http.Client, b url.Values) string {
			b.Set("code", "x")
			return PathCallback + "?" + b.Encode()
		}},
		"Error": {reason: "The provider said no.", path: func(_ *studio, _ *http.Client, b url.Values) string {
			b.Set("error", "access_denied")
			return PathCallback + "?" + b.Encode()
		}},
		"Others": {reason: "Another browser's answer (login cross-site forgery).", path: func(s *studio, _ *http.Client, _ url.Values) string {
			begin, _ := s.get(s.browser(), "/")
			return PathCallback + "?" + s.issuer.authorize(s.T, begin.Header.Get("Location")).Encode()
		}},
		"Unsigned": {reason: "Signed by another key.", path: func(s *studio, _ *http.Client, b url.Values) string {
			s.issuer.signs, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			return PathCallback + "?" + b.Encode()
		}},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := newStudio(t)
			c := s.browser()
			begin, _ := s.get(c, "/")
			back := s.issuer.authorize(t, begin.Header.Get("Location"))

			if end, _ := s.get(c, tc.path(s, c, back)); end.StatusCode != http.StatusForbidden {
				t.Errorf("%s\ncallback: want 403, got %d", tc.reason, end.StatusCode)
			}

			if _, who := s.get(c, "/"); who.User != "" {
				t.Errorf("%s\n%s is logged in", tc.reason, who.User)
			}
		})
	}
}

// TestReplayedCallback comes back twice with the same answer.
func TestReplayedCallback(t *testing.T) {
	s := newStudio(t)
	c := s.browser()
	begin, _ := s.get(c, "/")
	path := PathCallback + "?" + s.issuer.authorize(t, begin.Header.Get("Location")).Encode()

	if first, _ := s.get(c, path); first.StatusCode != http.StatusSeeOther {
		t.Fatalf("the first time: %d", first.StatusCode)
	}

	if second, _ := s.get(c, path); second.StatusCode != http.StatusForbidden {
		t.Errorf("the second time: want 403, got %d", second.StatusCode)
	}

	if s.issuer.asked != 1 {
		t.Errorf("the provider was asked %d times", s.issuer.asked)
	}
}

// TestAttempts opens many pages before logging in: a browser is not filled with
// cookies, and the last page still logs in.
func TestAttempts(t *testing.T) {
	s := newStudio(t)
	c := s.browser()
	location := ""

	for range 10 {
		begin, _ := s.get(c, "/")
		location = begin.Header.Get("Location")
	}

	u, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}

	if got := len(c.Jar.Cookies(u)); got > attempts {
		t.Errorf("the browser has %d cookies", got)
	}

	if end, _ := s.get(c, PathCallback+"?"+s.issuer.authorize(t, location).Encode()); end.StatusCode != http.StatusSeeOther {
		t.Errorf("the last page: %d", end.StatusCode)
	}
}

// TestDelisted takes somebody off the lists who is logged in.
func TestDelisted(t *testing.T) {
	s := newStudio(t)
	c := s.browser()
	begin, _ := s.get(c, "/")
	s.get(c, PathCallback+"?"+s.issuer.authorize(t, begin.Header.Get("Location")).Encode())

	if _, who := s.get(c, "/"); who.User == "" {
		t.Fatal("nobody is logged in")
	}

	o := *s.config.Login.OIDC
	o.AllowedDomains = nil
	s.config.Login.OIDC = &o

	if _, who := s.get(c, "/"); who.User != "" {
		t.Errorf("%s is on no list and still logged in", who.User)
	}
}

// TestProviderAway starts without the provider, and logs in when it is back.
func TestProviderAway(t *testing.T) {
	s := newStudio(t)
	o := *s.config.Login.OIDC
	good := o.Issuer
	o.Issuer = "http://127.0.0.1:1"
	s.config.Login.OIDC = &o

	if begin, _ := s.get(s.browser(), "/"); begin.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("without the provider: want 503, got %d", begin.StatusCode)
	}

	o.Issuer = good

	if begin, _ := s.get(s.browser(), "/"); begin.StatusCode != http.StatusSeeOther {
		t.Errorf("when it is back: want 303, got %d", begin.StatusCode)
	}
}
