package cookie

import (
	"net/http"
	"strings"
	"time"
)

// prefix begins the names of our cookies. With __Host- before it no other host
// and no subpath can set one (RFC 6265bis 4.1.3.2).
const prefix = "studio-"

// A Jar writes cookies to browsers and reads them back.
type Jar struct {
	Keys *Keys
	// Encrypted says that browsers come over HTTPS. Without it they refuse cookies
	// that are for HTTPS alone.
	Encrypted bool
}

// Set seals a value into a cookie. The variant tells cookies of one purpose apart.
func (j Jar) Set(w http.ResponseWriter, purpose Purpose, variant string, v any, now time.Time, lasts time.Duration) error {
	text, err := j.Keys.Seal(purpose, v, now, lasts)
	if err != nil {
		return err
	}

	http.SetCookie(w, j.cookie(j.name(purpose, variant), text, int(lasts/time.Second)))

	return nil
}

// Clear has the browser forget a cookie.
func (j Jar) Clear(w http.ResponseWriter, purpose Purpose, variant string) {
	http.SetCookie(w, j.cookie(j.name(purpose, variant), "", -1))
}

// Get opens a cookie, and tells when it was made. A browser may send several of
// one name; that which is ours counts.
func (j Jar) Get(r *http.Request, purpose Purpose, variant string, now time.Time, v any) (time.Time, bool) {
	for _, c := range r.CookiesNamed(j.name(purpose, variant)) {
		if issued, err := j.Keys.Open(purpose, c.Value, now, v); err == nil {
			return issued, true
		}
	}

	return time.Time{}, false
}

// Strip takes our own cookies out of a request. ComfyUI and its custom nodes
// must not see them.
func Strip(h http.Header) {
	lines := h["Cookie"]
	if len(lines) == 0 {
		return
	}

	var kept []string

	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.TrimSpace(pair)
			name, _, _ := strings.Cut(pair, "=")

			if pair != "" && !ours(name) {
				kept = append(kept, pair)
			}
		}
	}

	if len(kept) == 0 {
		h.Del("Cookie")
		return
	}

	h["Cookie"] = []string{strings.Join(kept, "; ")}
}

func ours(name string) bool {
	name = strings.ToLower(strings.TrimSpace(name))
	name = strings.TrimPrefix(strings.TrimPrefix(name, "__host-"), "__secure-")

	return strings.HasPrefix(name, prefix)
}

func (j Jar) name(purpose Purpose, variant string) string {
	name := prefix + string(purpose)
	if variant != "" {
		name += "-" + variant
	}

	if j.Encrypted {
		return "__Host-" + name
	}

	return name
}

func (j Jar) cookie(name, value string, age int) *http.Cookie {
	//nolint:gosec // Browsers refuse a Secure cookie of a studio without HTTPS.
	return &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: j.Encrypted,
		// Strict would lose the session on links from a chat, and on the way back from
		// an OpenID Connect provider.
		SameSite: http.SameSiteLaxMode,
	}
}
