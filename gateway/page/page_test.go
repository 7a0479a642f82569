package page

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestPages shows each page whole, with what it is told as text and never as HTML.
func TestPages(t *testing.T) {
	const evil, safe = "<b>a & b</b>", "&lt;b&gt;a &amp; b&lt;/b&gt;"

	cases := map[string]struct {
		reason string
		show   func(w http.ResponseWriter)
		status int
		want   []string
	}{
		"Login": {
			reason: "Where people log in.", status: http.StatusUnauthorized,
			show: func(w http.ResponseWriter) {
				Login(w, http.StatusUnauthorized, LoginData{Studio: evil, Problem: evil})
			},
			want: []string{"<title>Log in · " + safe + "</title>", "<h1>" + safe + "</h1>", `<p role="alert">` + safe + "</p>"},
		},
		"Logout": {
			reason: "Where people log out.", status: http.StatusOK,
			show: func(w http.ResponseWriter) { Logout(w, LoginData{Studio: evil}) },
			want: []string{"<title>Log out · " + safe + "</title>", `<form method="post" action="/_studio/logout">`},
		},
		"Problem": {
			reason: "What went wrong.", status: http.StatusForbidden,
			show: func(w http.ResponseWriter) { Problem(w, http.StatusForbidden, evil, evil) },
			want: []string{"<title>" + safe + "</title>", "<p>" + safe + "</p>"},
		},
		"Waking": {
			reason: "What waits.", status: http.StatusOK,
			show: func(w http.ResponseWriter) { Waking(w, WakingData{Studio: evil, Pool: "video"}) },
			want: []string{"<title>Waking up · " + safe + "</title>", `data-pool="video"`},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			tc.show(w)

			body := w.Body.String()
			for _, want := range append(tc.want, "<!DOCTYPE html>\n", `href="/_studio/style.css"`, "</head>\n<body>", "</body>\n</html>\n") {
				if !strings.Contains(body, want) {
					t.Errorf("%s\nthe page lacks %s: %s", tc.reason, want, body)
				}
			}

			if w.Code != tc.status || w.Header().Get("Content-Security-Policy") == "" || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s\nthe page comes with %d and %v", tc.reason, w.Code, w.Header())
			}
		})
	}
}
