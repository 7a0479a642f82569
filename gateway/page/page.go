// Package page is what the front door shows people itself: where they log in, what
// waits, and what went wrong. Its pages load nothing from anywhere else.
package page

import (
	"embed"
	"html/template"
	"net/http"
)

//go:embed *.html *.js *.css
var files embed.FS

var pages = template.Must(template.ParseFS(files, "*.html")) //nolint:gochecknoglobals // Templates that are parsed once and never change.

// LoginData is what the login page shows.
type LoginData struct {
	Studio  string
	Problem string
}

// Login shows where people log in.
func Login(w http.ResponseWriter, status int, d LoginData) { show(w, status, "login.html", d) }

// Logout asks whether somebody means it: a link alone, which anybody can put
// anywhere, logs nobody out.
func Logout(w http.ResponseWriter, d LoginData) { show(w, http.StatusOK, "logout.html", d) }

// Problem says in words what went wrong.
func Problem(w http.ResponseWriter, status int, title, text string) {
	show(w, status, "problem.html", map[string]string{"Title": title, "Text": text})
}

// WakingData is what the waking page begins with; events tell it the rest.
type WakingData struct {
	Studio string
	Pool   string
}

// Waking shows how far a server has come.
func Waking(w http.ResponseWriter, d WakingData) { show(w, http.StatusOK, "waking.html", d) }

// File serves what the pages are made of.
func File(w http.ResponseWriter, r *http.Request, name string) bool {
	switch name {
	case "beat.js", "waking.js", "style.css":
		protect(w.Header())
		http.ServeFileFS(w, r, files, name)

		return true
	}

	return false
}

func show(w http.ResponseWriter, status int, name string, data any) {
	h := w.Header()
	protect(h)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)

	if err := pages.ExecuteTemplate(w, name, data); err != nil {
		// Who asked has gone: the templates are tested.
		return
	}
}

func protect(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'self'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
}
