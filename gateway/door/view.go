package door

import (
	"net/http"

	"github.com/comfyui-studio/comfyui-studio/gateway/servers"
)

// view shows a picture. Those that are kept lie on a mount that all servers share,
// and those that are not on the server that made them: it is asked first whose
// work it probably is, and the others after it.
func (d *Door) view(w http.ResponseWriter, r *http.Request, who caller) {
	s, pool, ok := d.server(r, who)
	if !ok {
		d.wait(w, r, pool)
		return
	}

	if !who.Program && r.URL.Query().Get("type") != "temp" {
		d.send(w, r, target{server: s, contain: true})
		return
	}

	for _, other := range d.Table.All("") {
		if other.Tag != s.Tag && d.shows(r, other) {
			s = other
			break
		}
	}

	d.send(w, r, target{server: s, contain: true})
}

// shows says that a server has a picture.
func (d *Door) shows(r *http.Request, s servers.Server) bool {
	//nolint:gosec // The address is of the cluster, and the path was judged.
	req, err := http.NewRequestWithContext(r.Context(), http.MethodHead, "http://"+s.Addr+r.URL.EscapedPath()+"?"+r.URL.RawQuery, nil)
	if err != nil {
		return false
	}

	res, err := d.client.Do(req) //nolint:gosec // As above.
	if err != nil {
		return false
	}

	return res.Body.Close() == nil && res.StatusCode == http.StatusOK
}
