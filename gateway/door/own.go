package door

import (
	"net/http"
	"strings"
)

// own answers the front door's own paths for who is logged in.
func (d *Door) own(w http.ResponseWriter, r *http.Request, who caller, segments []string) {
	name := strings.Join(segments[1:], "/")

	post := r.Method == http.MethodPost

	switch {
	case name == "beat" && post && !who.Program:
		_, pool, _ := d.server(r, who)
		d.Waker.Present(pool, who.User)
		w.WriteHeader(http.StatusNoContent)
	case name == "wake" && post:
		if pool, ok := d.wanted(w, r); ok {
			d.Waker.Wake(pool, who.User+" asked for it")
			w.WriteHeader(http.StatusAccepted)
		}
	case name == "wake/events" && r.Method == http.MethodGet:
		if pool, ok := d.wanted(w, r); ok {
			d.events(w, r, pool)
		}
	default:
		refuse(w, r, http.StatusNotFound, "There is no such path.")
	}
}

// wanted is the pool that a page waits for: the one that it names, or somebody's
// own. Without one it answers.
func (d *Door) wanted(w http.ResponseWriter, r *http.Request) (string, bool) {
	_, pinned, _ := d.pinned(r)

	pool, ok := d.pool(r, pinned)
	if !ok {
		noPool(w, r)
	}

	return pool, ok
}

func noPool(w http.ResponseWriter, r *http.Request) {
	refuse(w, r, http.StatusNotFound, "The studio has no such pool.")
}
