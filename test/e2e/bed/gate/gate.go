// Package gate is what a studio's resources wait for, and when that is there: the
// rules of the function's packages facts and kit, written a second time on purpose,
// so that a bed can hold the function to them.
package gate

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// A Gate is what one resource waits for: other resources to be Ready, and values
// that only AWS can tell.
type Gate struct {
	Key   string   `json:"key"`
	After []string `json:"after"`
	Needs []string `json:"needs"`
}

// Read reads the gates of a claim as the function's own tests wrote them down, by
// the families of the keys.
func Read(root, claim string) ([]Gate, error) {
	b, err := os.ReadFile(filepath.Join(root, "functions", "compose-comfyui", "testdata", "gates", claim+".yaml"))
	if err != nil {
		return nil, fmt.Errorf("cannot read the gates: %w", err)
	}

	var out []Gate
	if err := yaml.UnmarshalStrict(b, &out); err != nil {
		return nil, fmt.Errorf("cannot read the gates of %s: %w", claim, err)
	}

	for i, g := range out {
		out[i].Key = Family(g.Key)

		for j, k := range g.After {
			g.After[j] = Family(k)
		}
	}

	return out, nil
}

// hashed are the families of which a small studio has one member each, named by
// what only AWS tells or by the release of studio-agent: the bed's are others than
// those that the function's tests write down.
var hashed = regexp.MustCompile(`^((?:edge-attachment|edge-vpc-origin|image-context-[a-z]+|image-schedule-[a-z]+|image-marker-[a-z]+)-)[0-9a-f]{8}$`)

// Family is a key without its hash, where that is another for each studio.
func Family(key string) string { return hashed.ReplaceAllString(key, "$1") }

// HasNoCondition are the kinds that count as ready once they exist.
func HasNoCondition(o map[string]any) bool {
	return o["kind"] == "ProviderConfig" || o["kind"] == "Secret"
}

// Ready says whether an observed resource counts as ready: it has a Ready condition
// that is True and no condition of an older generation, or none is ever written. An
// address is excused: its NAT gateway's interface is written into its spec later.
func Ready(o map[string]any) bool {
	if HasNoCondition(o) {
		return true
	}

	generation := number(field(o, "metadata", "generation"))
	conditions, _ := field(o, "status", "conditions").([]any)
	ready := false

	for _, c := range conditions {
		m, _ := c.(map[string]any)
		if m["type"] != "Ready" && m["type"] != "Synced" {
			continue
		}

		if seen := number(m["observedGeneration"]); seen != 0 && seen < generation && o["kind"] != "EIP" {
			return false
		}

		if m["type"] == "Ready" {
			ready = m["status"] == "True"
		}
	}

	return ready
}

func field(o map[string]any, path ...string) any {
	v, _, _ := unstructured.NestedFieldNoCopy(o, path...)
	return v
}

// number reads what JSON has as an integer and protobuf as a float.
func number(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	}

	return 0
}
