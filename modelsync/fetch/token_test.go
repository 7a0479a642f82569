package fetch

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// TestToken holds that a token goes to the host that it is for and to nobody
// else: not to another host, not to another port, and not back again by way of
// one. What is signed into a URL stays out of the log.
func TestToken(t *testing.T) {
	s, other := newSetup(t), newWebHost(t)
	body := content(1, 2*testPart+3)
	f := s.file("a/b", body)
	f.TokenSecret = "hub"
	f.URL += "?version=7&signature=t0ps3cr3t"

	var (
		mu   sync.Mutex
		seen = map[string]bool{}
	)

	note := func(where string, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()

		if r.Header.Get("Authorization") != "" {
			seen[where] = true
		}

		if r.Header.Get("Referer") != "" {
			seen[where+" referer"] = true
		}
	}

	// From the first host to itself, to another port, and back for the file.
	s.web.first = func(w http.ResponseWriter, r *http.Request) bool {
		switch r.URL.Path {
		case "/a/b":
			note("first", r)
			http.Redirect(w, r, "/same", http.StatusFound)
		case "/same":
			note("same", r)
			http.Redirect(w, r, other.URL+"/there?X-Amz-Signature=t0ps3cr3t", http.StatusTemporaryRedirect)
		case "/back":
			note("back", r)
			w.Header().Set("ETag", tag([]byte(body)))
			http.ServeContent(w, r, "", epoch, strings.NewReader(body))
		}

		return true
	}
	other.first = func(w http.ResponseWriter, r *http.Request) bool {
		note("other", r)
		http.Redirect(w, r, s.web.URL+"/back?X-Amz-Signature=t0ps3cr3t", http.StatusFound)

		return true
	}

	if got := s.fetch(t, f)[0]; got != "" {
		t.Fatalf("Fetch(...): got %q", got)
	}

	s.holds(t, f, body)

	for where, want := range map[string]bool{"first": true, "same": true, "other": false, "back": false, "other referer": false, "back referer": false} {
		if seen[where] != want {
			t.Errorf("%s: sees the token or the first URL %t, want %t", where, seen[where], want)
		}
	}

	if o, _ := s.s3.get("models/a/b"); strings.Contains(o.metadata["source"], "t0ps3cr3t") || o.metadata["source"] == "" {
		t.Errorf("metadata source: got %q", o.metadata["source"])
	}

	if strings.Contains(s.log.String(), "cr3t") {
		t.Errorf("The log holds a secret: %s", s.log)
	}
}

// TestSecretOfFailure holds that a failure does not tell a signature either: the
// standard client puts the last URL into its errors.
func TestSecretOfFailure(t *testing.T) {
	s, gone := newSetup(t), newWebHost(t)
	f := s.file("a/b", "x")
	f.TokenSecret = "hub"
	to := gone.URL + "/x?X-Amz-Signature=t0ps3cr3t"

	gone.Close()

	s.web.first = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, to, http.StatusFound)
		return true
	}

	if got := s.fetch(t, f)[0]; got != Unreachable {
		t.Errorf("Fetch(...): want %q, got %q", Unreachable, got)
	}

	if strings.Contains(s.log.String(), "cr3t") {
		t.Errorf("The log holds a secret: %s", s.log)
	}
}

func TestRedacted(t *testing.T) {
	for in, want := range map[string]string{
		"https://user:pass@host/a%2Fb?token=1#f": "https://host/a%2Fb",
		"s3://team/a b":                          "s3://team/a%20b",
		"https://host:8443":                      "https://host:8443",
	} {
		u, err := url.Parse(in)
		if err != nil {
			t.Fatal(err)
		}

		if got := redacted(u); got != want {
			t.Errorf("redacted(%q): want %q, got %q", in, want, got)
		}
	}
}
