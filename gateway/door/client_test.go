package door

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/secrets"
	"github.com/comfyui-studio/comfyui-studio/gateway/login"
)

// A client is a browser or a program.
type client struct {
	testing.TB

	http  *http.Client
	base  string
	token string
}

func (w *world) browser() *client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.Fatal(err)
	}

	return &client{TB: w.TB, base: w.url, http: &http.Client{Jar: jar, CheckRedirect: noRedirect}}
}

func (w *world) program() *client {
	return &client{TB: w.TB, base: w.url, token: apiToken, http: &http.Client{CheckRedirect: noRedirect}}
}

// artist is a browser that is logged in.
func (w *world) artist() *client {
	w.Helper()

	c := w.browser()

	res := c.login(secrets.Password(seed))
	if res.status != http.StatusSeeOther {
		w.Fatalf("the login failed: %d %s", res.status, res.body)
	}

	return c
}

type response struct {
	status int
	header http.Header
	body   string
}

func (r response) json(t testing.TB) map[string]any {
	t.Helper()

	out := map[string]any{}
	if err := json.Unmarshal([]byte(r.body), &out); err != nil {
		t.Fatalf("no JSON: %d %s", r.status, r.body)
	}

	return out
}

// navigate opens a page, as a browser does.
func (c *client) navigate(path string) response {
	c.Helper()

	return c.do(http.MethodGet, path, "", "Sec-Fetch-Dest", "document", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "none", "Accept", "text/html")
}

// fetch asks as a script of the page does.
func (c *client) fetch(method, path, body string, more ...string) response {
	c.Helper()

	return c.do(method, path, body, append([]string{"Sec-Fetch-Dest", "empty", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin", "Origin", c.base}, more...)...)
}

// do asks, with headers in pairs. An empty value leaves a header out.
func (c *client) do(method, path, body string, headers ...string) response {
	c.Helper()

	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}

	req, err := http.NewRequestWithContext(c.Context(), method, c.base+path, in)
	if err != nil {
		c.Fatal(err)
	}

	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}

	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}

	return c.send(req)
}

func (c *client) send(req *http.Request) response {
	c.Helper()

	res, err := c.http.Do(req)
	if err != nil {
		c.Fatal(err)
	}
	defer res.Body.Close()

	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.Fatal(err)
	}

	return response{res.StatusCode, res.Header, string(b)}
}

func (c *client) login(password string) response {
	c.Helper()

	return c.fetch(http.MethodPost, login.PathLogin, url.Values{"password": {password}}.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

// graph saves one picture, with a prefix of its own.
func graph(name string) string {
	return `{"prompt":{"1":{"class_type":"EmptyImage","inputs":{"width":8,"height":8,"batch_size":1,"color":0}},"2":{"class_type":"SaveImage","inputs":{"images":["1",0],"filename_prefix":"` + name + `"}}}}`
}

// history waits until a prompt is over.
func (c *client) history(id string) map[string]any {
	c.Helper()

	for {
		res := c.fetch(http.MethodGet, "/history/"+id, "")
		if res.status != http.StatusOK {
			c.Fatalf("GET /history/%s: %d %s", id, res.status, res.body)
		}

		if e, ok := res.json(c.TB)[id].(map[string]any); ok {
			return e
		}
	}
}

func password() string { return secrets.Password(seed) }
