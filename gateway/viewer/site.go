package viewer

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/comfyui-studio/comfyui-studio/gateway/config"
)

// OwnSite says that a request of a browser comes from the studio's own pages. It
// must be asked before Sec-Fetch-Site is taken away. same-site is not enough:
// siblings of a custom domain are of the same site, and cookies that are Lax go
// with what they send.
//
// net/http's CrossOriginProtection lets every GET pass, and a websocket begins
// with one.
func OwnSite(r *http.Request, e config.Edge) bool {
	switch site := r.Header.Values("Sec-Fetch-Site"); {
	case len(site) == 1:
		return site[0] == "same-origin"
	case len(site) > 1:
		return false
	}

	// Browsers without Sec-Fetch-Site send Origin with what is not a plain GET. Who
	// sends neither is no browser, and has a token.
	origin := r.Header.Values("Origin")
	if len(origin) != 1 {
		return false
	}

	u, err := url.Parse(origin[0])
	if err != nil || u.Host == "" {
		return false
	}

	return u.Scheme == scheme(e) && strings.EqualFold(u.Host, host(r, e)) && origin[0] == u.Scheme+"://"+u.Host
}

// Changes says that a request may change something, or opens a socket that can.
func Changes(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return Upgrade(r)
	}

	return true
}

// Upgrade says that a request asks for another protocol on its connection.
func Upgrade(r *http.Request) bool {
	for _, line := range r.Header.Values("Connection") {
		for token := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(token), "upgrade") {
				return true
			}
		}
	}

	return len(r.Header.Values("Upgrade")) > 0
}

// URL is the studio's own address with a path.
func URL(r *http.Request, e config.Edge, path string) string {
	return scheme(e) + "://" + host(r, e) + path
}

func scheme(e config.Edge) string {
	if e.Encrypted {
		return "https"
	}

	return "http"
}

// host is the studio's name. Where it has none of its own it is what the viewer
// called: CloudFront answers to its own names only.
func host(r *http.Request, e config.Edge) string {
	if e.Domain != "" {
		return e.Domain
	}

	return r.Host
}
