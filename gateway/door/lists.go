package door

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"

	"github.com/comfyui-studio/comfyui-studio/gateway/route"
	"github.com/comfyui-studio/comfyui-studio/gateway/servers"
)

// list answers with what waits or what ran: people with what their server has,
// programs with what all have.
func (d *Door) list(w http.ResponseWriter, r *http.Request, who caller, what route.Route) {
	if !who.Program {
		if s, _, ok := d.server(r, who); ok {
			d.send(w, r, target{server: s})
			return
		}

		// It is true, and keeps tabs calm.
		w.Header().Set("X-Studio-Asleep", "true")
		say(w, http.StatusOK, map[route.Kind]any{
			route.Queue:   map[string]any{"queue_running": []any{}, "queue_pending": []any{}},
			route.History: map[string]any{},
			route.Jobs:    map[string]any{"jobs": []any{}, "pagination": pagination{}},
		}[what.Kind])

		return
	}

	name := r.URL.Query().Get("pool")
	if _, ok := d.pool(r, ""); !ok {
		noPool(w, r)
		return
	}

	q := r.URL.Query()

	switch what.Kind {
	case route.Queue:
		d.mergeQueues(w, r, name)
	case route.Jobs:
		d.mergeJobs(w, r, name, q)
	default:
		d.mergeHistories(w, r, name, q)
	}
}

type part struct {
	server servers.Server
	body   []byte
}

// gather asks all servers, and names in a header those that did not answer: a list
// that is short must say so.
func (d *Door) gather(ctx context.Context, w http.ResponseWriter, pool, path string) []part {
	all := d.Table.All(pool)
	parts, errs := make([]part, len(all)), make([]error, len(all))

	var wg sync.WaitGroup

	for i, s := range all {
		wg.Go(func() {
			status, b, err := d.get(ctx, s, path)
			if err == nil && status != http.StatusOK {
				err = errors.New(http.StatusText(status))
			}

			parts[i], errs[i] = part{s, b}, err
		})
	}

	wg.Wait()

	var out []part

	for i, err := range errs {
		if err != nil {
			d.Log.Warn("a server is missing in a list", "server", all[i].Pod, "path", path, "error", err)
			w.Header().Add("X-Studio-Partial", all[i].Tag.String())

			continue
		}

		out = append(out, parts[i])
	}

	return out
}

// mergeQueues orders by when prompts came: numbers begin anew on every server.
func (d *Door) mergeQueues(w http.ResponseWriter, r *http.Request, pool string) {
	out := queueAnswer{Running: []json.RawMessage{}, Pending: []json.RawMessage{}}

	for _, p := range d.gather(r.Context(), w, pool, "/queue") {
		var q queueAnswer
		if json.Unmarshal(p.body, &q) != nil {
			w.Header().Add("X-Studio-Partial", p.server.Tag.String())
			continue
		}

		out.Running = append(out.Running, q.Running...)
		out.Pending = append(out.Pending, q.Pending...)
	}

	for _, list := range [][]json.RawMessage{out.Running, out.Pending} {
		slices.SortStableFunc(list, func(a, b json.RawMessage) int { return cmp.Compare(created(a), created(b)) })
	}

	say(w, http.StatusOK, out)
}

// created is when a prompt came, from the extra data of its tuple.
func created(raw json.RawMessage) float64 {
	var tuple []json.RawMessage
	if json.Unmarshal(raw, &tuple) != nil || len(tuple) < 4 {
		return 0
	}

	var extra struct {
		Created float64 `json:"create_time"`
	}

	if json.Unmarshal(tuple[3], &extra) != nil {
		return 0
	}

	return extra.Created
}

// mergeHistories applies the limit after the merge: the last of all, and not the
// last of each.
func (d *Door) mergeHistories(w http.ResponseWriter, r *http.Request, pool string, q url.Values) {
	path := "/history"
	limit, limited := count(q, "max_items")
	offset, moved := count(q, "offset")

	// No server has more to give than that.
	if limited && !moved {
		path += "?max_items=" + strconv.Itoa(limit)
	}

	type one struct {
		id  string
		raw json.RawMessage
		at  float64
	}

	var all []one

	for _, p := range d.gather(r.Context(), w, pool, path) {
		var h map[string]json.RawMessage
		if json.Unmarshal(p.body, &h) != nil {
			w.Header().Add("X-Studio-Partial", p.server.Tag.String())
			continue
		}

		for id, raw := range h {
			var e struct {
				Prompt json.RawMessage `json:"prompt"`
			}

			_ = json.Unmarshal(raw, &e)

			all = append(all, one{id, raw, created(e.Prompt)})
		}
	}

	slices.SortFunc(all, func(a, b one) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id)) })

	from := 0

	switch {
	case moved:
		from = min(offset, len(all))
	case limited:
		from = max(0, len(all)-limit)
	}

	all = all[from:]
	if limited {
		all = all[:min(limit, len(all))]
	}

	out := map[string]json.RawMessage{}
	for _, o := range all {
		out[o.id] = o.raw
	}

	say(w, http.StatusOK, out)
}

// mergeJobs cuts the page out of the merged list. Each server is asked for all that
// could be on it.
func (d *Door) mergeJobs(w http.ResponseWriter, r *http.Request, pool string, q url.Values) {
	limit, limited := count(q, "limit")
	offset, _ := count(q, "offset")
	sort := func(j map[string]json.RawMessage) float64 {
		var at float64

		_ = json.Unmarshal(j["create_time"], &at)

		return at
	}

	asked := url.Values{}
	for name, values := range q {
		if name != "limit" && name != "offset" && name != "pool" {
			asked[name] = values
		}
	}

	if limited {
		asked.Set("limit", strconv.Itoa(offset+limit))
	}

	jobs, total := []map[string]json.RawMessage{}, 0

	for _, p := range d.gather(r.Context(), w, pool, "/api/jobs?"+asked.Encode()) {
		var page struct {
			Jobs       []map[string]json.RawMessage `json:"jobs"`
			Pagination pagination                   `json:"pagination"`
		}

		if json.Unmarshal(p.body, &page) != nil {
			w.Header().Add("X-Studio-Partial", p.server.Tag.String())
			continue
		}

		jobs = append(jobs, page.Jobs...)
		total += page.Pagination.Total
	}

	slices.SortStableFunc(jobs, func(a, b map[string]json.RawMessage) int {
		if q.Get("sort_order") == "asc" {
			return cmp.Compare(sort(a), sort(b))
		}

		return cmp.Compare(sort(b), sort(a))
	})

	jobs = jobs[min(offset, len(jobs)):]
	page := pagination{Offset: offset, Total: total}

	if limited {
		page.Limit, page.More = &limit, total > offset+limit
		jobs = jobs[:min(limit, len(jobs))]
	}

	say(w, http.StatusOK, map[string]any{"jobs": jobs, "pagination": page})
}

// pagination is what newer releases say of a page of a list.
type pagination struct {
	Offset int  `json:"offset"`
	Limit  *int `json:"limit"`
	Total  int  `json:"total"`
	More   bool `json:"has_more"`
}

func count(q url.Values, name string) (int, bool) {
	n, err := strconv.Atoi(q.Get(name))
	return max(n, 0), err == nil && n >= 0
}
