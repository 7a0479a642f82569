package comfytest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A refusal is ComfyUI's error of a prompt or of a node's input.
type refusal struct {
	Type    string         `json:"type"`
	Message string         `json:"message"`
	Details string         `json:"details"`
	Extra   map[string]any `json:"extra_info"`
}

// nodeRefusal is what is wrong with a node.
type nodeRefusal struct {
	Errors    []refusal `json:"errors"`
	Dependent []string  `json:"dependent_outputs"`
	Class     string    `json:"class_type"`
}

// canonical is how newer releases want the id of a prompt: as an id is compared
// letter by letter, they take no other spelling of it.
var canonical = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// secrets leave the extra data before a prompt is shown to anybody.
var secrets = []string{"auth_token_comfy_org", "api_key_comfy_org"}

func (s *Server) getPrompt(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()

	answer(w, http.StatusOK, s.execInfo())
}

func (s *Server) postPrompt(w http.ResponseWriter, r *http.Request) {
	body, ok := object(w, r)
	if !ok {
		return
	}

	s.mu.Lock()
	defer s.mu.Unlock()

	p := &prompt{extra: map[string]any{}}
	s.number(p, body)

	raw, given := body["prompt"]
	if !given {
		refuse(w, refusal{Type: "no_prompt", Message: "No prompt provided", Details: "No prompt provided"}, nil)
		return
	}

	id, bad := s.promptID(body)
	if bad != nil {
		refuse(w, *bad, nil)
		return
	}

	p.id = id

	targets, limited := body["partial_execution_targets"].([]any)

	checked := s.validate(raw, stringsOf(targets), limited)
	if checked.refused != nil {
		refuse(w, *checked.refused, checked.nodes)
		return
	}

	p.raw, _ = raw.(map[string]any)
	p.graph, p.outputs = checked.graph, checked.outputs
	s.extra(p, body)
	s.put(p)
	answer(w, http.StatusOK, map[string]any{"prompt_id": p.id, "number": p.written, "node_errors": checked.nodes})
}

// number gives a prompt its place. One that is refused takes a number too.
func (s *Server) number(p *prompt, body map[string]any) {
	given, ok := body["number"].(json.Number)
	if ok {
		p.number, _ = given.Float64()
		p.written = p.number

		return
	}

	n := s.counter
	if truthy(body["front"]) {
		n = -n
	}

	s.counter++
	p.number, p.written = float64(n), n
}

func (s *Server) promptID(body map[string]any) (string, *refusal) {
	given, ok := body["prompt_id"]
	if !ok || given == nil {
		return newID(), nil
	}

	id := fmt.Sprint(given)
	if s.current() && !canonical.MatchString(id) {
		return "", &refusal{
			Type: "invalid_prompt_id", Message: "prompt_id must be a valid UUID",
			Details: "prompt_id must be a UUID string in canonical lowercase hyphenated form; omit it to let the server generate one",
		}
	}

	return id, nil
}

func (s *Server) extra(p *prompt, body map[string]any) {
	if e, ok := body["extra_data"].(map[string]any); ok {
		p.extra = e
	}

	if id, ok := body["client_id"]; ok {
		p.extra["client_id"] = id
	}

	if !s.current() {
		return
	}

	p.extra["create_time"] = time.Now().UnixMilli()
	for _, k := range secrets {
		delete(p.extra, k)
	}
}

func refuse(w http.ResponseWriter, bad refusal, nodes map[string]*nodeRefusal) {
	if bad.Extra == nil {
		bad.Extra = map[string]any{}
	}

	if nodes == nil {
		nodes = map[string]*nodeRefusal{}
	}

	answer(w, http.StatusBadRequest, map[string]any{"error": bad, "node_errors": nodes})
}

func newID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80

	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// python writes a value as Python's repr does, which error messages show.
func python(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return map[bool]string{true: "True", false: "False"}[v]
	case string:
		return "'" + strings.ReplaceAll(v, "'", `\'`) + "'"
	case []string:
		out := make([]string, 0, len(v))
		for _, e := range v {
			out = append(out, python(e))
		}

		return "[" + strings.Join(out, ", ") + "]"
	}

	return fmt.Sprint(v)
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}

	slices.SortFunc(out, byID)

	return out
}

// byID orders ids of nodes as people number them.
func byID(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}

	return strings.Compare(a, b)
}
