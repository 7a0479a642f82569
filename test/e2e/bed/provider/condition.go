package provider

import (
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A condition of a managed resource.
type condition struct {
	kind    string
	ok      bool
	reason  string
	message string
	// current carries the object's generation, as the managed reconciler's
	// conditions do; upjet's own do not.
	current bool
}

// What the real provider's conditions are called.
const (
	typeReady  = "Ready"
	typeSynced = "Synced"
	typeAsync  = "LastAsyncOperation"
)

func available() condition { return condition{kind: typeReady, ok: true, reason: "Available"} }
func unavailable() condition {
	return condition{kind: typeReady, reason: "Unavailable"}
}

func creating() condition {
	return condition{kind: typeReady, reason: "Creating", current: true}
}

func deleting() condition {
	return condition{kind: typeReady, reason: "Deleting", current: true}
}

func synced() condition {
	return condition{kind: typeSynced, ok: true, reason: "ReconcileSuccess", current: true}
}

func paused() condition {
	return condition{kind: typeSynced, reason: "ReconcilePaused", current: true}
}

func syncError(err error) condition {
	return condition{kind: typeSynced, reason: "ReconcileError", message: err.Error(), current: true}
}

// setConditions puts conditions into a status, keeping the time of the last
// transition where nothing but the message changed.
func setConditions(u *unstructured.Unstructured, cs ...condition) {
	old, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	for _, c := range cs {
		m := map[string]any{
			"type": c.kind, "status": "False", "reason": c.reason,
			"lastTransitionTime": time.Now().UTC().Format(time.RFC3339),
		}
		if c.ok {
			m["status"] = "True"
		}
		if c.message != "" {
			m["message"] = c.message
		}
		if c.current {
			m["observedGeneration"] = u.GetGeneration()
		}
		at := -1
		for i, e := range old {
			was, _ := e.(map[string]any)
			if was["type"] != c.kind {
				continue
			}
			at = i
			if was["status"] == m["status"] && was["reason"] == m["reason"] {
				m["lastTransitionTime"] = was["lastTransitionTime"]
			}
		}
		if at < 0 {
			old = append(old, m)
			continue
		}
		old[at] = m
	}
	_ = unstructured.SetNestedSlice(u.Object, old, "status", "conditions")
}
