package door

import (
	"bufio"
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/comfyui-studio/comfyui-studio/gateway/viewer"
)

// An Answer is what a log and metrics may know of a request. Its query is not in
// it: programs put secrets there.
type Answer struct {
	Method  string
	Path    string
	User    string
	Program bool
	// Session tells people apart who share a name. No log has it.
	Session string
	From    netip.Addr
	Status  int
	Bytes   int64
	Took    time.Duration
}

// writing is how long a client may take for one piece of an answer.
const writing = time.Minute

// A recorder remembers how a request was answered. Each piece gets a time of its
// own: one for the whole answer would cut pictures and events.
type recorder struct {
	http.ResponseWriter

	control *http.ResponseController
	status  int
	bytes   int64
}

func record(w http.ResponseWriter) *recorder {
	return &recorder{ResponseWriter: w, control: http.NewResponseController(w)}
}

// Unwrap lets http.ResponseController flush.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// Hijack hands over the connection. Who takes it answers by themselves.
func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, b, err := r.control.Hijack()
	if err == nil {
		r.status = http.StatusSwitchingProtocols
	}

	return c, b, err
}

// WriteHeader remembers the first status that is final.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.status = status
	}

	r.ResponseWriter.WriteHeader(status)
}

// Write writes a piece in its time.
func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}

	// A recorder of tests has no deadlines.
	_ = r.control.SetWriteDeadline(time.Now().Add(writing))
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)

	return n, err
}

// refuse answers what is not done, in JSON: pages are for people who opened one. A
// connection that was to become a socket is closed, since what stands before us
// may take it for one already.
func refuse(w http.ResponseWriter, r *http.Request, status int, text string) {
	if viewer.Upgrade(r) {
		w.Header().Set("Connection", "close")
	}

	say(w, status, fails("", "studio", text, nil))
}

// failure is an error in ComfyUI's form, which clients know.
type failure struct {
	PromptID   string   `json:"prompt_id,omitempty"`
	Error      problem  `json:"error"`
	NodeErrors struct{} `json:"node_errors"`
}

type problem struct {
	Type    string            `json:"type"`
	Message string            `json:"message"`
	Details string            `json:"details"`
	Extra   map[string]string `json:"extra_info"`
}

func fails(id, kind, text string, extra map[string]string) failure {
	if extra == nil {
		extra = map[string]string{}
	}

	return failure{PromptID: id, Error: problem{Type: kind, Message: text, Extra: extra}}
}

// say answers in JSON that nobody keeps.
func say(w http.ResponseWriter, status int, v any) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)

	if err := json.NewEncoder(w).Encode(v); err != nil {
		// Who asked has gone.
		return
	}
}
