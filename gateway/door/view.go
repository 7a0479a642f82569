package door

import (
	"net/http"

	"github.com/comfyui-studio/comfyui-studio/gateway/servers"
)

// view shows a picture. Each server sees its own alone, and two of them have
// pictures of one name: it is asked first whose prompt the caller asked for last,
// then where they work, and then all others.
func (d *Door) view(w http.ResponseWriter, r *http.Request, who caller) {
	own, pool, ok := d.server(r, who)
	if !ok {
		d.wait(w, r, pool)
		return
	}

	first := []servers.Server{own}
	if tag, ok := d.asked.Get(who.key()); ok {
		if s, ok := d.Table.Find(tag); ok {
			first = []servers.Server{s, own}
		}
	}

	all := d.Table.All("")
	if len(all) > 1 {
		for _, s := range append(first, all...) {
			if d.shows(r, s) {
				own = s
				break
			}
		}
	}

	d.send(w, r, target{server: own, contain: true})
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
