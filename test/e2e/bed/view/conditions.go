package view

import (
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A condition is an entry of status.conditions.
type condition struct {
	Status, Reason, Message string
	Generation              int64
	Since                   time.Time
}

func (c condition) isTrue() bool  { return c.Status == "True" }
func (c condition) isFalse() bool { return c.Status == "False" }

// conditions returns an object's conditions by type.
func conditions(u *unstructured.Unstructured) map[string]condition {
	list, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	out := make(map[string]condition, len(list))
	for _, item := range list {
		m, ok := item.(map[string]any)
		if !ok {
			continue
		}
		typ, _, _ := unstructured.NestedString(m, "type")
		c := condition{}
		c.Status, _, _ = unstructured.NestedString(m, "status")
		c.Reason, _, _ = unstructured.NestedString(m, "reason")
		c.Message, _, _ = unstructured.NestedString(m, "message")
		c.Generation, _, _ = unstructured.NestedInt64(m, "observedGeneration")
		since, _, _ := unstructured.NestedString(m, "lastTransitionTime")
		c.Since, _ = time.Parse(time.RFC3339, since)
		out[typ] = c
	}
	return out
}

// current says whether a True condition speaks of the object as it is now. A
// condition that names no generation is taken at its word: upjet writes the
// generation into Synced only.
func current(u *unstructured.Unstructured, c condition) bool {
	return c.Generation == 0 || c.Generation >= u.GetGeneration()
}

// stateOf judges a composed resource by its conditions.
func stateOf(u *unstructured.Unstructured) (State, string) {
	if u.GetDeletionTimestamp() != nil {
		c := conditions(u)["Synced"]
		if c.isFalse() {
			return Deleting, oneLine(c.Message)
		}
		return Deleting, ""
	}
	if hasNoReady(u.GetKind()) {
		return Ready, ""
	}
	cs := conditions(u)
	ready, synced, async := cs["Ready"], cs["Synced"], cs["LastAsyncOperation"]
	switch {
	case synced.isFalse() && strings.Contains(synced.Message, "cannot resolve references"):
		// Not an error: the provider says this while what it refers to is made.
		return Waiting, oneLine(synced.Message)
	case synced.isFalse():
		return Failing, oneLine(synced.Message)
	case ready.isTrue() && current(u, ready):
		return Ready, ""
	case async.isFalse() && strings.HasSuffix(async.Reason, "Failure"):
		return Failing, oneLine(async.Message)
	case ready.isFalse() && ready.Message != "" && ready.Reason != "Creating":
		return Failing, oneLine(ready.Message)
	}
	return Creating, ""
}

// kindUsage is Crossplane's kind that protects one resource while another is
// there.
const kindUsage = "Usage"

// hasNoReady says which kinds never have a Ready condition and therefore count
// as ready when they exist.
func hasNoReady(kind string) bool { return kind == "ProviderConfig" || kind == kindUsage }
