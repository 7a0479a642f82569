package door

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/gateway/config"
	"github.com/comfyui-studio/comfyui-studio/gateway/login"
)

// TestTokens goes in with tokens, guesses some, and takes the good one away.
func TestTokens(t *testing.T) {
	w := newWorld(t, 1)
	p := w.program()

	if got := p.do(http.MethodGet, "/api/queue", ""); got.status != http.StatusOK {
		t.Fatalf("a token: want 200, got %d %s", got.status, got.body)
	}

	if got := w.browser().do(http.MethodGet, "/api/queue", "", "Authorization", "Bearer "+apiToken, "Authorization", "Basic eDp5"); got.status != http.StatusUnauthorized {
		t.Errorf("a token beside something else: want 401, got %d", got.status)
	}

	for _, h := range []string{"Basic " + apiToken, "Bearer", "Bearer ", apiToken, "Bearer " + apiToken + "x", "bearer\t" + apiToken} {
		if got := w.browser().do(http.MethodGet, "/api/queue", "", "Authorization", h); got.status != http.StatusUnauthorized {
			t.Errorf("%q: want 401, got %d", h, got.status)
		}
	}

	// Who guesses is slowed down, and the token goes on working.
	status := 0
	for range guessBurst + 1 {
		status = w.browser().do(http.MethodGet, "/api/queue", "", "Authorization", "Bearer guess").status
	}

	if status != http.StatusTooManyRequests {
		t.Errorf("guesses: want 429 in the end, got %d", status)
	}

	if got := p.do(http.MethodGet, "/api/queue", ""); got.status != http.StatusOK {
		t.Errorf("the token beside guesses of the same address: want 200, got %d", got.status)
	}

	w.source["tokens"] = "other=another-token-of-enough-letters\n"

	if _, err := w.store.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}

	if got := p.do(http.MethodGet, "/api/queue", ""); got.status == http.StatusOK {
		t.Error("a token that was taken away still opens the door")
	}
}

// TestCrossSite has another site's page ask with a browser that is logged in.
func TestCrossSite(t *testing.T) {
	w := newWorld(t, 1)
	c := w.artist()
	own := c.base

	cases := map[string]struct {
		reason  string
		method  string
		path    string
		headers []string
		want    int
	}{
		"Own":          {reason: "The studio's page may.", method: "POST", path: "/interrupt", headers: []string{"Sec-Fetch-Site", "same-origin"}, want: 200},
		"OwnOrigin":    {reason: "One of an older browser, too.", method: "POST", path: "/interrupt", headers: []string{"Origin", own}, want: 200},
		"CrossSite":    {reason: "Another site's may not.", method: "POST", path: "/interrupt", headers: []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, want: 403},
		"CrossOwn":     {reason: "What the browser says of the site counts for more than the origin.", method: "POST", path: "/interrupt", headers: []string{"Sec-Fetch-Site", "cross-site", "Origin", own}, want: 403},
		"SameSite":     {reason: "A sibling of the domain is another site's page.", method: "POST", path: "/interrupt", headers: []string{"Sec-Fetch-Site", "same-site"}, want: 403},
		"Neither":      {reason: "Who tells nothing is no page of ours.", method: "POST", path: "/interrupt", want: 403},
		"OtherOrigin":  {reason: "Another origin is another.", method: "POST", path: "/interrupt", headers: []string{"Origin", "http://evil.example"}, want: 403},
		"SuffixOrigin": {reason: "The whole origin counts and not its end.", method: "POST", path: "/interrupt", headers: []string{"Origin", strings.Replace(own, "http://", "http://evil.", 1)}, want: 403},
		"PathOrigin":   {reason: "An origin has no path.", method: "POST", path: "/interrupt", headers: []string{"Origin", own + "/x"}, want: 403},
		"NullOrigin":   {reason: "A sandboxed page has no origin.", method: "POST", path: "/interrupt", headers: []string{"Origin", "null"}, want: 403},
		"Twice":        {reason: "Two answers are none.", method: "POST", path: "/interrupt", headers: []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Site", "cross-site"}, want: 403},
		"Delete":       {reason: "All that changes something.", method: "DELETE", path: "/userdata/a.json", headers: []string{"Sec-Fetch-Site", "cross-site"}, want: 403},
		"Login":        {reason: "Nobody logs others in.", method: "POST", path: "/_studio/login", headers: []string{"Sec-Fetch-Site", "cross-site"}, want: 403},
		"Logout":       {reason: "Nor out.", method: "POST", path: "/_studio/logout", headers: []string{"Sec-Fetch-Site", "cross-site"}, want: 403},
		"Link":         {reason: "A link from a chat opens the page.", method: "GET", path: "/", headers: []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "document", "Sec-Fetch-Mode", "navigate"}, want: 200},
		"Socket":       {reason: "A socket can do what a POST can.", method: "GET", path: "/ws", headers: []string{"Sec-Fetch-Site", "cross-site", "Connection", "Upgrade", "Upgrade", "websocket"}, want: 403},
		"SocketNone":   {reason: "Without a word of where it comes from it does not open.", method: "GET", path: "/ws", headers: []string{"Connection", "Upgrade", "Upgrade", "websocket"}, want: 403},
		"H2C":          {reason: "No other protocol is spoken (h2c smuggling).", method: "GET", path: "/queue", headers: []string{"Sec-Fetch-Site", "same-origin", "Connection", "Upgrade, HTTP2-Settings", "Upgrade", "h2c", "HTTP2-Settings", "AAMAAABkAAQAAP__"}, want: 400},
		"HalfUpgrade":  {reason: "Half an upgrade is one.", method: "GET", path: "/queue", headers: []string{"Sec-Fetch-Site", "same-origin", "Upgrade", "websocket"}, want: 400},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := c.do(tc.method, tc.path, "", tc.headers...)
			if diff := cmp.Diff(tc.want, got.status); diff != "" {
				t.Errorf("%s\n%s %s: -want, +got:\n%s\n%s", tc.reason, tc.method, tc.path, diff, got.body)
			}
		})
	}

	if got := w.program().do(http.MethodPost, "/interrupt", `{"prompt_id":"x"}`, "Sec-Fetch-Site", "cross-site"); got.status != http.StatusOK {
		t.Errorf("a token is no cookie that a browser adds by itself: want 200, got %d", got.status)
	}
}

// TestHeaders says all that a server must not hear, and looks at what it heard.
func TestHeaders(t *testing.T) {
	w := newWorld(t, 1, func(c *config.Config) {
		c.Edge = config.Edge{CDN: true, OriginHeader: "X-Comfyui-Studio-Origin"}
	})
	c := w.browser()
	through := []string{"X-Comfyui-Studio-Origin", w.store.Secrets().Origins[0], "X-Forwarded-For", "203.0.113.9, 192.0.2.1"}

	if got := c.fetch(http.MethodPost, login.PathLogin, "password="+password(), append(through, "Content-Type", "application/x-www-form-urlencoded")...); got.status != http.StatusSeeOther {
		t.Fatalf("login: %d %s", got.status, got.body)
	}

	evil := []string{
		"X_Forwarded_For", "1.1.1.1", "X-Forwarded_Host", "evil", "x_real_ip", "1.1.1.1", "X-Forwarded-Proto", "gopher", "X-Forwarded-Prefix", "/evil",
		"Forwarded", "for=1.1.1.1", "CloudFront-Viewer-Address", "1.1.1.1:1", "CloudFront_Viewer_Address", "1.1.1.1:1", "Comfy-User", "root", "comfy_user", "root",
		"X-Studio-User", "root", "X_Studio_User", "root", "Idempotency-Key", "1", "X-Idempotency-Key", "1", "Proxy-Authorization", "Basic eDp5",
		"X_Comfyui_Studio_Origin", "guess", "X-Amzn-Trace-Id", "1", "Connection", "X-Comfyui-Studio-Origin, X-Kept", "X-Kept", "hop",
		"Cookie", "theme=dark; studio-session=x; __Host-studio-pin=y; STUDIO-login=z",
	}

	if got := c.fetch(http.MethodGet, "/api/system_stats", "", append(through, evil...)...); got.status != http.StatusOK {
		t.Fatalf("GET: %d %s", got.status, got.body)
	}

	heard := w.nodes["server-0"].last(t, "/api/system_stats")
	for name, values := range heard.Header {
		for _, v := range values {
			if strings.ContainsAny(name, "_") || strings.Contains(v, "1.1.1.1") || strings.Contains(v, "root") || strings.Contains(v, "evil") {
				t.Errorf("the server heard %s: %s", name, v)
			}
		}
	}

	for _, name := range []string{"X-Comfyui-Studio-Origin", "X-Forwarded-For", "Forwarded", "Authorization", "Proxy-Authorization", "Idempotency-Key", "X-Idempotency-Key", "Origin", "Connection", "X-Kept", "X-Amzn-Trace-Id"} {
		if v := heard.Header.Values(name); len(v) > 0 {
			t.Errorf("the server heard %s: %q", name, v)
		}
	}

	if got := heard.Header.Get("Cookie"); got != "theme=dark" {
		t.Errorf("the server heard the cookies %q", got)
	}
}

// TestOrigin comes past the distribution, and from addresses that are not allowed.
func TestOrigin(t *testing.T) {
	w := newWorld(t, 1, func(c *config.Config) {
		c.Edge = config.Edge{CDN: true, OriginHeader: "X-Comfyui-Studio-Origin", AllowedCIDRs: prefixes("203.0.113.0/24", "2001:db8::/32")}
	})
	proof := w.store.Secrets().Origins[0]

	cases := map[string]struct {
		reason  string
		headers []string
		want    int
	}{
		"Through":   {reason: "The viewer is second from the right.", headers: []string{"X-Comfyui-Studio-Origin", proof, "X-Forwarded-For", "203.0.113.9, 10.0.0.1"}, want: 200},
		"IPv6":      {reason: "Of either kind.", headers: []string{"X-Comfyui-Studio-Origin", proof, "X-Forwarded-For", "2001:db8::1, 10.0.0.1"}, want: 200},
		"Lines":     {reason: "Lines are one list.", headers: []string{"X-Comfyui-Studio-Origin", proof, "X-Forwarded-For", "203.0.113.9", "X-Forwarded-For", "10.0.0.1"}, want: 200},
		"Past":      {reason: "Who comes past CloudFront is let in by nothing.", headers: []string{"X-Forwarded-For", "203.0.113.9, 10.0.0.1"}, want: 403},
		"Guess":     {reason: "Nor with a guess.", headers: []string{"X-Comfyui-Studio-Origin", "guess", "X-Forwarded-For", "203.0.113.9, 10.0.0.1"}, want: 403},
		"Empty":     {reason: "Nor with nothing.", headers: []string{"X-Comfyui-Studio-Origin", "", "X-Forwarded-For", "203.0.113.9, 10.0.0.1"}, want: 403},
		"Twice":     {reason: "Two secrets are one too many.", headers: []string{"X-Comfyui-Studio-Origin", proof, "X-Comfyui-Studio-Origin", proof, "X-Forwarded-For", "203.0.113.9, 10.0.0.1"}, want: 403},
		"Elsewhere": {reason: "The ranges hold.", headers: []string{"X-Comfyui-Studio-Origin", proof, "X-Forwarded-For", "198.51.100.1, 10.0.0.1"}, want: 403},
		"Spoofed":   {reason: "What a viewer writes stands on the left.", headers: []string{"X-Comfyui-Studio-Origin", proof, "X-Forwarded-For", "203.0.113.9, 198.51.100.1, 10.0.0.1"}, want: 403},
		"Header":    {reason: "No other header tells an address.", headers: []string{"X-Comfyui-Studio-Origin", proof, "X-Forwarded-For", "198.51.100.1, 10.0.0.1", "CloudFront-Viewer-Address", "203.0.113.9:1", "X-Real-Ip", "203.0.113.9"}, want: 403},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := w.program().do(http.MethodGet, "/api/queue", "", tc.headers...)
			if diff := cmp.Diff(tc.want, got.status); diff != "" {
				t.Errorf("%s\nGET /api/queue: -want, +got:\n%s\n%s", tc.reason, diff, got.body)
			}
		})
	}
}

// TestPaths asks for what is not open, in the ways that others were fooled by.
func TestPaths(t *testing.T) {
	w := newWorld(t, 1)
	c, n := w.artist(), w.nodes["server-0"]

	for _, path := range []string{
		"/internal/logs", "/internal/logs/raw", "/INTERNAL/logs", "/%69nternal/logs", "/%2569nternal/logs", "/api/internal/logs", "//internal/logs", "/./internal/logs",
		"/api/../internal/logs", "/api/%2e%2e/internal/logs", "/api%2f..%2finternal/logs", "/userdata/..%2f..%2finternal%2flogs", "/userdata/%2e%2e/internal/logs",
		"/userdata/a%5c..%5cb", "/queue%00", "/queue;a=b", "/queue%3b", "/queue%23", "/queue%3f", "/manager/reboot", "/customnode/install.js", "/internal/x.js",
		"/view/..;/internal/logs", "/userdata%2finternal", "/queue/%2e", "/queue//", "/jobs", "/api/api/jobs", "/%5cinternal/logs",
	} {
		before := len(n.requests())

		got := c.fetch(http.MethodGet, path, "")
		if got.status != http.StatusNotFound && got.status != http.StatusBadRequest {
			t.Errorf("%s: want 404 or 400, got %d", path, got.status)
		}

		if len(n.requests()) != before {
			t.Errorf("%s reached the server", path)
		}
	}

	// A saved workflow's name has a slash that nobody may decode on the way.
	if got := c.fetch(http.MethodPost, "/api/userdata/workflows%2Fname.json?overwrite=true", "{}"); got.status != http.StatusOK {
		t.Errorf("saving a workflow: %d %s", got.status, got.body)
	}

	n.mu.Lock()
	defer n.mu.Unlock()

	if got := n.seen[len(n.seen)-1].URL.EscapedPath(); got != "/api/userdata/workflows%2Fname.json" {
		t.Errorf("the name was changed to %s", got)
	}
}
