package objects

import "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

// Names of Kubernetes' own.
const (
	groupApps     = "apps"
	kindNamespace = "Namespace"
	kindNodePool  = "NodePool"
	statusTrue    = "True"
)

// kindOf is an object's kind.
func kindOf(o map[string]any) string {
	return (&unstructured.Unstructured{Object: o}).GetKind()
}

// setStatus puts fields and conditions into an object's status.
func setStatus(o map[string]any, t *thing, fields map[string]any, conditions ...any) {
	if len(conditions) > 0 {
		fields["conditions"] = conditions
	}

	if t != nil {
		fields[observedGeneration] = t.generation
	}

	o["status"] = fields
}

// observedGeneration is the field that says which generation a status is about.
const observedGeneration = "observedGeneration"

// conditionOf is a condition as it stands in a status.
func conditionOf(conditionType string, ok bool, reason string) map[string]any {
	c := map[string]any{"type": conditionType, "status": "False", "reason": reason}
	if ok {
		c["status"] = statusTrue
	}

	return c
}
