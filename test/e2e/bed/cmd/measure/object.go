package main

import "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

// keyAnnotation holds a composed resource's key.
const keyAnnotation = "crossplane.io/composition-resource-name"

// conditionOf is an object's condition of that type, or nil.
func conditionOf(o map[string]any, typ string) map[string]any {
	v, _, _ := unstructured.NestedFieldNoCopy(o, "status", "conditions")

	conditions, _ := v.([]any)
	for _, c := range conditions {
		if m, ok := c.(map[string]any); ok && m["type"] == typ {
			return m
		}
	}

	return nil
}

func isTrue(condition map[string]any) bool { return condition["status"] == "True" }
