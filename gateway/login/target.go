package login

import (
	"net/url"
	"strings"
)

// longestReturn keeps the cookie that holds it short.
const longestReturn = 1024

// Return is where a login leads to: a path of the studio's own, or the page. It is
// strict rather than clever: browsers read a backslash, a tab and two slashes in
// their own way, and each of them has led people to other sites.
func Return(to string) string {
	if len(to) > longestReturn || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") {
		return "/"
	}

	for _, c := range []byte(to) {
		if c <= ' ' || c >= 0x7f || c == '\\' {
			return "/"
		}
	}

	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return "/"
	}

	// What a browser makes of dots must not begin with two slashes either.
	if p := u.Path; strings.Contains(p, "//") || strings.Contains(p, "\\") || strings.Contains(p, "/.") || strings.HasPrefix(p, "/_studio/") {
		return "/"
	}

	for _, c := range []byte(u.Path) {
		if c < ' ' || c == 0x7f {
			return "/"
		}
	}

	return to
}
