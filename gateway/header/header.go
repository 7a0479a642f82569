// Package header takes out of requests and answers what must not pass the front
// door: what viewers write to be taken for somebody, and what only we may say.
package header

import (
	"net/http"
	"strings"

	"github.com/comfyui-studio/comfyui-studio/gateway/cookie"
)

// Clean takes out of a request for a server what the front door alone knows or
// decides, in every spelling: some servers read X_Forwarded_For as X-Forwarded-For
// (CVE-2025-64484 of oauth2-proxy).
func Clean(h http.Header, origin string) {
	for name := range h {
		if ours(name, origin) {
			delete(h, name)
		}
	}

	cookie.Strip(h)
}

func ours(name, origin string) bool {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	if name == strings.ToLower(origin) {
		return true
	}

	switch name {
	// Programs' tokens stay here.
	case "authorization", "proxy-authorization",
		// With one of these Go's transport sends a POST a second time.
		"idempotency-key", "x-idempotency-key",
		// A server believes whom this names.
		"comfy-user",
		// It was checked here. With it a server looks the host up for every request,
		// and stands still meanwhile.
		"origin",
		"forwarded", "via", "x-real-ip", "true-client-ip", "x-client-ip", "x-cluster-client-ip", "client-ip", "prefer":
		return true
	}

	for _, prefix := range []string{"x-forwarded", "x-original-", "x-rewrite-", "cloudfront-", "x-amz", "x-studio-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}

	return false
}

// Navigation says that a request is of somebody who opens a page, and not of a
// page that loads something.
func Navigation(r *http.Request) bool {
	if r.Method != http.MethodGet {
		return false
	}

	// What a browser loads ahead nobody has asked for yet.
	if strings.Contains(r.Header.Get("Sec-Purpose"), "prefetch") {
		return false
	}

	if dest := r.Header.Get("Sec-Fetch-Dest"); dest != "" {
		return dest == "document"
	}

	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// Secure adds to an answer of a server what browsers shall keep to. A stricter
// policy of contents breaks custom nodes.
func Secure(h http.Header, encrypted bool) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")

	if len(h.Values("Content-Security-Policy")) == 0 {
		h.Set("Content-Security-Policy", "frame-ancestors 'self'")
	}

	if encrypted {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}

	dropCookies(h)
}

// Contain keeps what somebody uploaded from running as a page of the studio.
func Contain(h http.Header) {
	kind, _, _ := strings.Cut(strings.ToLower(h.Get("Content-Type")), ";")

	switch kind = strings.TrimSpace(kind); {
	case strings.HasPrefix(kind, "image/") && !strings.Contains(kind, "xml"),
		strings.HasPrefix(kind, "video/"), strings.HasPrefix(kind, "audio/"),
		kind == "application/json", kind == "text/plain":
		return
	}

	h.Set("Content-Disposition", "attachment")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
}

// dropCookies lets no server set a cookie of ours.
func dropCookies(h http.Header) {
	lines := h["Set-Cookie"]
	if len(lines) == 0 {
		return
	}

	var kept []string

	for _, line := range lines {
		name, _, _ := strings.Cut(line, "=")
		one := http.Header{"Cookie": {strings.TrimSpace(name) + "=x"}}
		cookie.Strip(one)

		if len(one) > 0 {
			kept = append(kept, line)
		}
	}

	if len(kept) == 0 {
		h.Del("Set-Cookie")
		return
	}

	h["Set-Cookie"] = kept
}
