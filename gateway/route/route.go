package route

import (
	"net/http"
	"path"
	"strings"
)

// A Kind is what kind of question a request is.
type Kind int

// The kinds there are. What belongs to a prompt is answered by the server that has
// the prompt, what is the same everywhere by any.
const (
	// Refused is what nobody may ask.
	Refused Kind = iota
	// Own is the front door's.
	Own
	// Page is ComfyUI's only page.
	Page
	// Static is a file of the frontend.
	Static
	// Socket is the websocket.
	Socket
	// Load asks how much a server has to do.
	Load
	// Submit queues a prompt.
	Submit
	// Queue and ChangeQueue are of what waits.
	Queue
	ChangeQueue
	// History, HistoryOf and ChangeHistory are of what ran.
	History
	HistoryOf
	ChangeHistory
	// Jobs, Job and Cancel are the same in the form of newer releases.
	Jobs
	Job
	Cancel
	// CancelMany cancels several jobs at once.
	CancelMany
	// Interrupt stops what runs.
	Interrupt
	// Free has a server give back memory.
	Free
	// View is a picture.
	View
	// Upload brings an input.
	Upload
	// Info lists all nodes: megabytes, for which a server walks its folders.
	Info
	// Other is what any server answers.
	Other
)

// A Route is what a request asks.
type Route struct {
	Kind Kind
	// ID is of the prompt that it is about.
	ID string
}

const (
	jobs     = "jobs"
	userData = "userdata"
)

// OwnPrefix is the first segment of the front door's own paths.
const OwnPrefix = "_studio"

// A Table says what may be asked.
type Table struct {
	// NodeRoutes are first segments that custom nodes serve.
	NodeRoutes map[string]bool
}

// Find is what a request asks. What is not in the table is refused.
func (t Table) Find(method string, segments []string) Route {
	if len(segments) == 0 {
		return only(read(method), Route{Kind: Page})
	}

	if segments[0] == OwnPrefix {
		return Route{Kind: Own}
	}

	rest, api := bare(segments)
	if len(rest) == 0 {
		return Route{}
	}

	if api || rest[0] != jobs {
		if r := ofPrompts(method, rest, api); r.Kind != Refused {
			return r
		}
	}

	if known(method, rest) || t.NodeRoutes[rest[0]] {
		return Route{Kind: Other}
	}

	return only(!api && read(method) && static(rest), Route{Kind: Static})
}

// ofPrompts are the routes that belong to one server.
func ofPrompts(method string, p []string, api bool) Route {
	post, get := method == http.MethodPost, read(method)

	switch {
	case len(p) == 1:
		return single(p[0], post, get, api)
	case p[0] == "history" && len(p) == 2:
		return only(get, Route{HistoryOf, p[1]})
	case p[0] == jobs && len(p) == 2 && p[1] == "cancel":
		return only(post, Route{Kind: CancelMany})
	case p[0] == jobs && len(p) == 2:
		return only(get, Route{Job, p[1]})
	case p[0] == jobs && len(p) == 3 && p[2] == "cancel":
		return only(post, Route{Cancel, p[1]})
	case p[0] == "upload" && len(p) == 2 && (p[1] == "image" || p[1] == "mask"):
		return only(post, Route{Kind: Upload})
	case p[0] == "object_info" && len(p) == 2:
		return only(get, Route{Kind: Other})
	}

	return Route{}
}

func single(name string, post, get, api bool) Route {
	kinds := map[string]struct{ get, post Kind }{
		"ws":          {get: Socket},
		"prompt":      {get: Load, post: Submit},
		"queue":       {get: Queue, post: ChangeQueue},
		"history":     {get: History, post: ChangeHistory},
		"interrupt":   {post: Interrupt},
		"free":        {post: Free},
		"view":        {get: View},
		"object_info": {get: Info},
	}

	k := kinds[name]

	switch {
	case name == jobs && api && get:
		return Route{Kind: Jobs}
	case post:
		return Route{Kind: k.post}
	case get:
		return Route{Kind: k.get}
	}

	return Route{}
}

// known are the rest of ComfyUI's routes, by their first segment.
// /internal is not among them: it shows a server's log and folders to anybody.
// Neither is what the Manager adds, which installs programs by GET.
func known(method string, p []string) bool {
	switch p[0] {
	case userData:
		return method != http.MethodOptions
	case "v2":
		return len(p) > 1 && p[1] == userData && method != http.MethodOptions
	case "users", "settings":
		return read(method) || method == http.MethodPost
	case "models", "embeddings", "system_stats", "features", "extensions", "workflow_templates", "global_subgraphs",
		"i18n", "view_metadata", "experiment", "viewvideo", "node_replacements", "assets":
		return read(method)
	}

	return false
}

// static are files that the frontend is made of.
func static(p []string) bool {
	last := p[len(p)-1]

	switch strings.ToLower(path.Ext(last)) {
	case ".js", ".mjs", ".css", ".ico", ".png", ".svg", ".jpg", ".jpeg", ".webp", ".gif", ".woff", ".woff2", ".ttf", ".json",
		".webmanifest", ".map", ".txt", ".wasm", ".mp4", ".html":
	default:
		return false
	}

	switch p[0] {
	case "internal", "manager", "customnode", "snapshot", "comfyui_manager", "externalmodel", "component":
		return false
	}

	return true
}

func read(method string) bool { return method == http.MethodGet || method == http.MethodHead }

func only(may bool, r Route) Route {
	if may {
		return r
	}

	return Route{}
}

// OfUsers says that users wrote what a path leads to.
func OfUsers(segments []string) bool {
	p, _ := bare(segments)
	if len(p) > 1 && p[0] == "v2" {
		p = p[1:]
	}

	return len(p) > 0 && (p[0] == "view" || p[0] == userData || p[0] == "viewvideo")
}
