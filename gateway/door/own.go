package door

import (
	"net/http"
	"strings"

	"github.com/comfyui-studio/comfyui-studio/gateway/page"
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
		_, pinned, _ := d.pinned(r)

		pool, ok := d.pool(r, pinned)
		if !ok {
			refuse(w, r, http.StatusNotFound, "The studio has no such pool.")
			return
		}

		d.Waker.Wake(pool, who.User+" asked for it")
		w.WriteHeader(http.StatusAccepted)
	case name == "wake/events" && r.Method == http.MethodGet:
		d.events(w, r)
	case name == "wake" && r.Method == http.MethodGet && !who.Program:
		page.Waking(w, page.WakingData{Studio: d.Config().Studio})
	default:
		refuse(w, r, http.StatusNotFound, "There is no such path.")
	}
}
