package command

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/loopback"
)

// The bounds of TimeoutSeconds.
const (
	minTimeout = 30
	maxTimeout = 2_592_000
)

// The patterns of the API reference.
var (
	concurrency = regexp.MustCompile(`^([1-9][0-9]*|[1-9][0-9]%|[1-9]%|100%)$`)
	errorShare  = regexp.MustCompile(`^([1-9][0-9]*|[0]|[1-9][0-9]%|[0-9]%|100%)$`)
)

type request struct {
	DocumentName   string              `json:"DocumentName"`
	Parameters     map[string][]string `json:"Parameters"`
	Targets        []filter            `json:"Targets"`
	InstanceIDs    []string            `json:"InstanceIds"`
	MaxConcurrency *string             `json:"MaxConcurrency"`
	MaxErrors      *string             `json:"MaxErrors"`
	TimeoutSeconds *int                `json:"TimeoutSeconds"`
}

type filter struct {
	Key    string   `json:"Key"`
	Values []string `json:"Values"`
}

type failure struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
}

// Serve answers Systems Manager's protocol on a free port until stop is called.
func (m *Manager) Serve() (endpoint string, stop func(), err error) { return loopback.Serve(m) }

// ServeHTTP answers one request.
func (m *Manager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")

	out, failed := m.answer(r)
	if failed != nil {
		w.WriteHeader(http.StatusBadRequest)
		out = failed
	}

	_ = json.NewEncoder(w).Encode(out) //nolint:errchkjson // A client that is gone needs no answer.
}

func (m *Manager) answer(r *http.Request) (any, *failure) {
	if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") {
		return nil, &failure{"MissingAuthenticationTokenException", "Missing Authentication Token"}
	}

	if target := r.Header.Get("X-Amz-Target"); target != "AmazonSSM.SendCommand" {
		return nil, &failure{"UnknownOperationException", target}
	}

	var in request
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, &failure{"SerializationException", err.Error()}
	}

	m.mu.Lock()
	refusal := m.refusal

	if refusal != "" {
		m.refusals++
	}

	m.mu.Unlock()

	if refusal != "" {
		return nil, &failure{refusal, "Refused by the test"}
	}

	if f := m.validate(in); f != nil {
		return nil, f
	}

	c := m.send(in)

	return map[string]any{"Command": map[string]any{"CommandId": c.ID, "DocumentName": c.Document, "Status": "Pending", "TargetCount": len(c.Statuses())}}, nil
}

func (m *Manager) validate(in request) *failure {
	invalid := func(what string) *failure {
		return &failure{"ValidationException", "1 validation error detected: " + what}
	}

	switch {
	case in.DocumentName == "":
		return invalid("documentName must not be null")
	case in.TimeoutSeconds != nil && (*in.TimeoutSeconds < minTimeout || *in.TimeoutSeconds > maxTimeout):
		return invalid("timeoutSeconds must be between 30 and 2592000")
	case in.MaxConcurrency != nil && !concurrency.MatchString(*in.MaxConcurrency):
		return invalid("maxConcurrency must satisfy its pattern")
	case in.MaxErrors != nil && !errorShare.MatchString(*in.MaxErrors):
		return invalid("maxErrors must satisfy its pattern")
	}

	m.mu.Lock()
	defer m.mu.Unlock()

	if !m.documents[in.DocumentName] {
		return &failure{"InvalidDocument", "document " + in.DocumentName + " does not exist"}
	}

	if len(in.Parameters) > 0 {
		return &failure{"InvalidParameters", "The document takes no parameters"}
	}

	if (len(in.Targets) == 0) == (len(in.InstanceIDs) == 0) {
		return &failure{"InvalidTarget", "Either targets or instance ids must be given"}
	}

	for _, t := range in.Targets {
		if !strings.HasPrefix(t.Key, "tag:") || len(t.Values) == 0 {
			return &failure{"InvalidTarget", "Target " + t.Key + " is not valid"}
		}
	}

	for _, id := range in.InstanceIDs {
		if m.instances[id] == nil {
			return &failure{"InvalidInstanceId", "Instances not in a valid state for account"}
		}
	}

	return nil
}
