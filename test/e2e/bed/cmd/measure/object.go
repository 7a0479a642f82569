package main

// keyAnnotation holds a composed resource's key.
const keyAnnotation = "crossplane.io/composition-resource-name"

// isReady is the function's rule of readiness, written a second time on purpose:
// a Ready condition that is True, and no condition of an older generation. A
// ProviderConfig has no conditions and is ready when it exists.
func isReady(o map[string]any) bool {
	if o["kind"] == "ProviderConfig" {
		return true
	}

	generation := number(nested(o, "metadata")["generation"])
	ready := false

	for _, typ := range []string{"Ready", "Synced"} {
		c := conditionOf(o, typ)
		if seen := number(c["observedGeneration"]); seen != 0 && seen < generation {
			return false
		}

		if typ == "Ready" {
			ready = isTrue(c)
		}
	}

	return ready
}

// conditionOf is an object's condition of that type, or nil.
func conditionOf(o map[string]any, typ string) map[string]any {
	conditions, _ := nested(o, "status")["conditions"].([]any)
	for _, c := range conditions {
		if m, ok := c.(map[string]any); ok && m["type"] == typ {
			return m
		}
	}

	return nil
}

func isTrue(condition map[string]any) bool { return condition["status"] == "True" }

func nested(o map[string]any, path ...string) map[string]any {
	for _, p := range path {
		o, _ = o[p].(map[string]any)
	}

	return o
}

// number reads what JSON has as an integer and protobuf as a float.
func number(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	default:
		return 0
	}
}
