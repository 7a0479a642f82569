package studio

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// secret makes a Secret in the claim's namespace.
func (s studio) secret(name string, data map[string]any) {
	s.t.Helper()

	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Secret", "stringData": data}}
	o.SetNamespace(s.namespace)
	o.SetName(name)

	if _, err := shared.ApplyObject(s.t.Context(), o); err != nil {
		s.t.Fatal(err)
	}
}

func contains(s, sub string) bool { return sub != "" && strings.Contains(s, sub) }
