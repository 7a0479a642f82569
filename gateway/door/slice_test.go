package door

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/secrets"
	"github.com/comfyui-studio/comfyui-studio/gateway/login"
)

// dial opens a socket as the page does.
func (c *client) dial(path string, headers ...string) (*websocket.Conn, *http.Response, error) {
	h := http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {c.base}}
	for i := 0; i+1 < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}

	if c.token != "" {
		h = http.Header{"Authorization": {"Bearer " + c.token}}
	}

	k, res, err := websocket.Dial(c.Context(), strings.Replace(c.base, "http", "ws", 1)+path, &websocket.DialOptions{HTTPHeader: h, HTTPClient: c.http})
	if err == nil {
		k.SetReadLimit(64 << 20)
	}

	return k, res, err
}

type said struct {
	Type string         `json:"type"`
	Data map[string]any `json:"data"`
}

// hear reads events until one is wanted.
func hear(ctx context.Context, t *testing.T, k *websocket.Conn, want func(said) bool) said {
	t.Helper()

	for {
		kind, b, err := k.Read(ctx)
		if err != nil {
			t.Fatalf("the socket ended: %v", err)
		}

		if kind != websocket.MessageText {
			continue
		}

		var s said
		if err := json.Unmarshal(b, &s); err != nil {
			t.Fatal(err)
		}

		if want(s) {
			return s
		}
	}
}

// TestStudio goes the way of somebody at work: log in, open the page, run a graph,
// hear of it, look at the picture, log out.
func TestStudio(t *testing.T) {
	w := newWorld(t, 2)
	c := w.browser()

	// Whoever opens a page is asked to log in, and comes back to it.
	res := c.navigate("/?workflow=a%2Fb")
	if res.status != http.StatusSeeOther || res.header.Get("Location") != login.PathLogin {
		t.Fatalf("a page is open: %d to %q", res.status, res.header.Get("Location"))
	}

	if res = c.navigate(login.PathLogin); res.status != http.StatusOK || !strings.Contains(res.body, `action="/_studio/login"`) {
		t.Fatalf("no login page: %d %s", res.status, res.body)
	}

	if res = c.login("wrong"); res.status != http.StatusUnauthorized {
		t.Errorf("a wrong password: want 401, got %d", res.status)
	}

	if res = c.login(secrets.Password(seed)); res.status != http.StatusSeeOther || res.header.Get("Location") != "/?workflow=a%2Fb" {
		t.Fatalf("the password leads to %d %q", res.status, res.header.Get("Location"))
	}

	res = c.navigate("/")
	if res.status != http.StatusOK || !strings.Contains(res.body, "<title>ComfyUI</title>") || !strings.Contains(res.body, beat) {
		t.Fatalf("the page is not ComfyUI's with the beacon: %d %s", res.status, res.body)
	}

	k, _, err := c.dial("/ws?clientId=me") //nolint:bodyclose // It is the socket.
	if err != nil {
		t.Fatal(err)
	}
	defer k.CloseNow()

	hear(t.Context(), t, k, func(s said) bool { return s.Type == "status" && s.Data["sid"] == "me" })

	res = c.fetch(http.MethodPost, "/api/prompt", strings.Replace(graph("a"), "{", `{"client_id":"me",`, 1))
	if res.status != http.StatusOK {
		t.Fatalf("the prompt is refused: %d %s", res.status, res.body)
	}

	id, _ := res.json(t)["prompt_id"].(string)
	hear(t.Context(), t, k, func(s said) bool { return s.Type == "execution_success" && s.Data["prompt_id"] == id })

	e := c.history(id)
	if diff := cmp.Diff("success", e["status"].(map[string]any)["status_str"]); diff != "" {
		t.Errorf("history: -want, +got:\n%s", diff)
	}

	res = c.fetch(http.MethodGet, "/view?filename=a_00001_.png&type=output", "")
	if res.status != http.StatusOK || res.header.Get("Content-Type") != "image/png" {
		t.Errorf("the picture: %d %s", res.status, res.header.Get("Content-Type"))
	}

	if res = c.fetch(http.MethodPost, login.PathLogout, ""); res.status != http.StatusSeeOther {
		t.Errorf("logout: %d", res.status)
	}

	if res = c.fetch(http.MethodGet, "/api/queue", ""); res.status != http.StatusUnauthorized {
		t.Errorf("after the logout: want 401, got %d", res.status)
	}
}
