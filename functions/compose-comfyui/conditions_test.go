package main

import (
	"strings"
	"testing"
)

// TestGoingAway deletes resources of a studio by hand: what they say of their end
// is not the studio's trouble.
func TestGoingAway(t *testing.T) {
	w := newWorld(t, loadClaim(t, "testdata/claims/single.yaml"))
	w.settle()

	for _, k := range []string{"network-vpc", "network-nat"} {
		o := w.observed[k]
		o["metadata"].(map[string]any)["deletionTimestamp"] = "2026-11-24T20:00:00Z"
		o["status"].(map[string]any)["conditions"] = []any{map[string]any{
			"type": "Synced", "status": "False", "message": "DependencyViolation: it has dependencies",
		}}
	}

	for _, c := range w.run().GetConditions() {
		if c.GetType() != "NetworkReady" {
			continue
		}

		if want := "resources are being deleted (2 left)"; !strings.HasPrefix(c.GetMessage(), want) || c.GetReason() != "Waiting" {
			t.Errorf("NetworkReady: want Waiting %q, got %s %q", want, c.GetReason(), c.GetMessage())
		}
	}
}
