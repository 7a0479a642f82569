package door

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/gateway/login"
)

// TestResend has a program ask Go's transport to send a prompt twice.
func TestResend(t *testing.T) {
	w := newWorld(t, 1)
	n := w.nodes["server-0"]
	n.do(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost || r.URL.Path != "/prompt" {
			return false
		}

		// It is queued, and the answer is lost on the way back.
		n.ServeHTTP(&dropped{header: http.Header{}}, r)
		panic(http.ErrAbortHandler)
	})

	got := w.program().do(http.MethodPost, "/prompt", graph("a"), "Idempotency-Key", "1", "X-Idempotency-Key", "1")
	if got.status != http.StatusOK {
		t.Fatalf("the prompt was queued, and the answer is %d %s", got.status, got.body)
	}

	if got := n.got(http.MethodPost, "/prompt"); got != 1 {
		t.Errorf("the server got the prompt %d times", got)
	}
}

// TestTooLarge sends more than a server takes.
func TestTooLarge(t *testing.T) {
	w := newWorld(t, 1)

	if got := w.program().do(http.MethodPost, "/prompt", `{"a":"`+strings.Repeat("a", maxPrompt)+`"}`); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a prompt of more than 32 MB: want 413, got %d", got.status)
	}

	if got := w.artist().fetch(http.MethodPost, login.PathLogin, "password="+strings.Repeat("a", 1<<20), "Content-Type", "application/x-www-form-urlencoded"); got.status != http.StatusBadRequest {
		t.Errorf("a form of a megabyte: want 400, got %d", got.status)
	}
}

// TestContained shows what somebody uploaded that is a page.
func TestContained(t *testing.T) {
	w := newWorld(t, 1)
	c := w.artist()

	if got := c.fetch(http.MethodPost, "/userdata/evil.html", "<script>alert(1)</script>"); got.status != http.StatusOK {
		t.Fatalf("POST: %d %s", got.status, got.body)
	}

	w.nodes["server-0"].do(func(rw http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && r.URL.Path == "/userdata/evil.html" {
			rw.Header().Set("Content-Type", "text/html")
			rw.Header().Set("Set-Cookie", "__Host-studio-session=stolen; Path=/; Secure")
		}

		return false
	})

	got := c.fetch(http.MethodGet, "/userdata/evil.html", "")
	want := []string{"attachment", "sandbox; default-src 'none'", "nosniff", ""}

	if diff := cmp.Diff(want, []string{got.header.Get("Content-Disposition"), got.header.Get("Content-Security-Policy"), got.header.Get("X-Content-Type-Options"), got.header.Get("Set-Cookie")}); diff != "" {
		t.Errorf("GET: -want, +got:\n%s", diff)
	}
}

// TestLimit guesses the password, and another logs in meanwhile.
func TestLimit(t *testing.T) {
	w := newWorld(t, 1)
	known := w.artist()

	status := 0
	for range 6 {
		status = w.browser().login("guess").status
	}

	if status != http.StatusTooManyRequests {
		t.Errorf("guesses: want 429 in the end, got %d", status)
	}

	if got := known.login(password()); got.status != http.StatusSeeOther {
		t.Errorf("a browser that is known, behind the same address: want 303, got %d", got.status)
	}
}
