package door

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"

	"github.com/comfyui-studio/comfyui-studio/gateway/prompt"
	"github.com/comfyui-studio/comfyui-studio/gateway/route"
	"github.com/comfyui-studio/comfyui-studio/gateway/servers"
)

// ofPrompt answers what is about one prompt: by the server that has it, or by
// saying that this one is gone.
func (d *Door) ofPrompt(w http.ResponseWriter, r *http.Request, who caller, what route.Route) {
	s, at, err := d.where(r.Context(), what.ID)

	switch at {
	case queued, finished:
		d.asked.Add(who.key(), s.Tag)
		d.send(w, r, target{server: s}) //nolint:contextcheck // The request has it.
	case lost:
		d.lostPrompt(w, what, s)
	case unclear:
		d.Log.Warn("cannot tell where a prompt is", "prompt", what.ID, "error", err)
		w.Header().Set("Retry-After", "5")
		refuse(w, r, http.StatusServiceUnavailable, "A server that may have the prompt does not answer.")
	case nowhere:
		switch what.Kind {
		case route.HistoryOf:
			say(w, http.StatusOK, struct{}{})
		case route.Cancel:
			say(w, http.StatusOK, cancelled{})
		default:
			say(w, http.StatusNotFound, struct {
				Error string `json:"error"`
			}{"Job not found"})
		}
	}
}

type cancelled struct {
	Cancelled bool `json:"cancelled"`
}

// lostEntry is an entry of the history of a prompt that failed.
type lostEntry struct {
	Prompt  []any    `json:"prompt"`
	Outputs struct{} `json:"outputs"`
	Meta    struct{} `json:"meta"`
	Status  struct {
		Text      string   `json:"status_str"`
		Completed bool     `json:"completed"`
		Messages  [][2]any `json:"messages"`
	} `json:"status"`
}

// lostJob is the same in the form of newer releases.
type lostJob struct {
	ID      string            `json:"id"`
	Status  string            `json:"status"`
	Error   map[string]string `json:"execution_error"`
	Outputs struct{}          `json:"outputs"`
	Count   int               `json:"outputs_count"`
}

// lostPrompt says of a prompt whose server is gone that it failed, in the form that
// a client waits for: an entry of the history ends its waiting.
func (d *Door) lostPrompt(w http.ResponseWriter, what route.Route, s servers.Server) {
	about := d.lost(s.Tag)
	about["prompt_id"] = what.ID
	about["exception_type"], about["exception_message"] = "ServerGone", "The prompt is lost: "+d.reason(s.Tag)+"."

	w.Header().Set("X-Studio-Lost", s.Tag.String())

	switch what.Kind {
	case route.HistoryOf:
		e := lostEntry{Prompt: []any{}}
		e.Status.Text, e.Status.Messages = "error", [][2]any{{"execution_error", about}}
		say(w, http.StatusOK, map[string]lostEntry{what.ID: e})
	case route.Cancel:
		say(w, http.StatusOK, cancelled{})
	default:
		say(w, http.StatusOK, lostJob{ID: what.ID, Status: "failed", Error: about})
	}
}

// largestChange is more than a list of ids needs.
const largestChange = 1 << 20

// changes are what a client may ask to be changed.
type changes struct {
	PromptID string   `json:"prompt_id,omitempty"`
	Clear    bool     `json:"clear,omitempty"`
	Delete   []string `json:"delete,omitempty"`
	JobIDs   []string `json:"job_ids,omitempty"`
}

// change stops or takes away prompts. Ids go to the servers that have them. What
// names none is about one server's whole queue, other people's prompts too: a
// person may do that where they work, and a program with the name of a pool.
func (d *Door) change(w http.ResponseWriter, r *http.Request, who caller, what route.Route) {
	b, err := io.ReadAll(bounded(w, r, largestChange).Body)
	if err != nil {
		d.unread(w, r, err)
		return
	}

	var c changes

	// ComfyUI takes an interrupt without a body, and it is the one that stops
	// whatever runs.
	if len(bytes.TrimSpace(b)) > 0 || what.Kind != route.Interrupt {
		if json.Unmarshal(b, &c) != nil {
			refuse(w, r, http.StatusBadRequest, "The request is no JSON object.")
			return
		}
	}

	switch ids := c.ids(); {
	case c.Clear || (len(ids) == 0 && what.Kind != route.CancelMany):
		d.changeAll(w, r, who, b)
	default:
		d.changeSome(w, r, what, ids)
	}
}

func (c changes) ids() []string {
	out := slices.Concat(c.Delete, c.JobIDs)
	if c.PromptID != "" {
		out = append(out, c.PromptID)
	}

	return out
}

// changeAll is for everything that a server has.
func (d *Door) changeAll(w http.ResponseWriter, r *http.Request, who caller, b []byte) {
	if !who.Program {
		s, pool, ok := d.server(r, who)
		if !ok {
			d.wait(w, r, pool)
			return
		}

		r.Body = io.NopCloser(bytes.NewReader(b))
		r.ContentLength = int64(len(b))
		d.send(w, r, target{server: s})

		return
	}

	name := r.URL.Query().Get("pool")
	if pool, ok := d.pool(r, ""); name == "" || !ok {
		refuse(w, r, http.StatusBadRequest, "This stops or removes other people's prompts. Name the prompts, or add ?pool="+pool+" if you mean all of a pool.")
		return
	}

	d.fanOut(w, r, d.Table.All(name), func(servers.Server) []byte { return b })
}

// changeSome sends each server the ids that are its own.
func (d *Door) changeSome(w http.ResponseWriter, r *http.Request, what route.Route, ids []string) {
	own := map[prompt.Tag][]string{}

	var all []servers.Server

	for _, id := range ids {
		s, at, err := d.where(r.Context(), id)
		if at == unclear {
			d.Log.Warn("cannot tell where a prompt is", "prompt", id, "error", err)
			w.Header().Set("Retry-After", "5")
			refuse(w, r, http.StatusServiceUnavailable, "A server that may have the prompt does not answer.")

			return
		}

		// What is gone or was never there needs no stopping, as with ComfyUI.
		if at != queued && at != finished {
			continue
		}

		if own[s.Tag] == nil {
			all = append(all, s)
		}

		own[s.Tag] = append(own[s.Tag], id)
	}

	d.fanOut(w, r, all, func(s servers.Server) []byte { return changing(what.Kind, own[s.Tag]) })
}

func changing(kind route.Kind, ids []string) []byte {
	var v changes

	switch kind {
	case route.Interrupt:
		v.PromptID = ids[0]
	case route.CancelMany:
		v.JobIDs = ids
	default:
		v.Delete = ids
	}

	b, err := json.Marshal(v)
	if err != nil {
		// Texts always marshal.
		panic(err)
	}

	return b
}

// fanOut asks several servers, and answers as one of them did: with the worst.
func (d *Door) fanOut(w http.ResponseWriter, r *http.Request, all []servers.Server, body func(servers.Server) []byte) {
	status, answer := http.StatusOK, []byte(nil)

	for _, s := range all {
		code, b, err := d.call(r.Context(), s, r.Method, r.URL.EscapedPath(), body(s))
		if err != nil {
			d.Log.Warn("a server did not answer", "server", s.Pod, "path", r.URL.Path, "error", err)
			w.Header().Add("X-Studio-Partial", s.Tag.String())

			code, b = http.StatusBadGateway, nil
		}

		if code > status || answer == nil {
			status, answer = max(code, status), b
		}
	}

	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(answer) //nolint:gosec // It is a server's answer in JSON, and said to be.
}
