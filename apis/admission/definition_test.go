package admission

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestNew(t *testing.T) {
	cases := map[string]struct {
		reason string
		change func(definition string) string
		want   string
	}{
		"Good": {
			reason: "The project's definition is accepted.",
			change: func(d string) string { return d },
		},
		"RuleDoesNotCompile": {
			reason: "A rule with a mistake in it is found, as an API server finds it.",
			change: func(d string) string {
				return strings.Replace(d, "rule: self == oldSelf\n", "rule: self == oldSelff\n", 1)
			},
			want: "undeclared reference to 'oldSelff'",
		},
		"RuleCostsTooMuch": {
			reason: "A rule over a list with no bound could take for ever.",
			change: func(d string) string { return strings.ReplaceAll(d, "maxItems: 128\n", "minItems: 0\n") },
			want:   "estimated rule cost",
		},
		"DefaultIsRefused": {
			reason: "A default that the schema refuses would refuse every claim.",
			change: func(d string) string { return strings.Replace(d, "default: SingleNAT", "default: None", 1) },
			want:   `Unsupported value: "None"`,
		},
		"UnknownField": {
			reason: "A misspelt field of the definition is not ignored.",
			change: func(d string) string { return strings.Replace(d, "referenceable:", "referencable:", 1) },
			want:   "unknown field",
		},
	}
	b, err := os.ReadFile("../comfyuistudios/definition.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			changed := tc.change(string(b))
			if tc.want != "" && changed == string(b) {
				t.Fatal("the case changes nothing")
			}
			_, err := New([]byte(changed))
			if (err == nil) != (tc.want == "") || (err != nil && !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("%s\nNew(...): want an error with %q, got %v", tc.reason, tc.want, err)
			}
		})
	}
}

func TestDefault(t *testing.T) {
	b, err := os.ReadFile("../comfyuistudios/definition.yaml")
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(b)
	if err != nil {
		t.Fatal(err)
	}
	claim := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
		"region":  "ap-northeast-1",
		"network": nil,
		"pools":   []any{map[string]any{"name": "batch", "purchase": "Spot"}},
		"access":  map[string]any{"cdn": false},
	}}}
	want := map[string]any{"spec": map[string]any{
		"region":            "ap-northeast-1",
		"providerConfigRef": map[string]any{"kind": "ClusterProviderConfig", "name": "default"},
		"kubernetes":        map[string]any{"version": "1.35", "apiAllowedCIDRs": []any{"0.0.0.0/0"}},
		"network":           map[string]any{"cidr": "10.42.0.0/16", "egress": "SingleNAT"},
		"pools": []any{map[string]any{
			"name": "batch", "purchase": "Spot", "maxGPUs": int64(4),
			"instanceTypes": []any{"g6.2xlarge", "g5.2xlarge"},
			"servers":       map[string]any{"min": int64(1), "max": int64(1)},
		}},
		"models":  map[string]any{"onDelete": "Retain"},
		"outputs": map[string]any{"onDelete": "Retain"},
		"inputs":  map[string]any{"onDelete": "Retain"},
		"image":   map[string]any{"comfyui": map[string]any{"version": "v0.28.0"}},
		"access":  map[string]any{"cdn": false, "login": "Password"},
	}}
	if diff := cmp.Diff(want, a.Default(claim).Object); diff != "" {
		t.Errorf("A default fills what is absent or null, on every level, and changes nothing else.\nDefault(...): -want, +got:\n%s", diff)
	}
}
