package main

import (
	"testing"
	"time"
)

// TestTTL goes through the ways a studio can be on its way.
func TestTTL(t *testing.T) {
	condition := func(typ, status, message string) map[string]any {
		return map[string]any{"type": typ, "status": status, "message": message}
	}
	unready := []any{condition("Ready", "False", ""), condition("Synced", "True", "")}

	cases := map[string]struct {
		reason string
		// conditions of the resources that are not ready.
		conditions map[string][]any
		// gone are resources that do not exist yet.
		gone []string
		want time.Duration
	}{
		"Ready": {
			reason: "Nothing moves, and what does is told by an event.",
			want:   10 * time.Minute,
		},
		"QuickKind": {
			reason:     "A subnet takes seconds, and what waits for it must not wait as long again.",
			conditions: map[string][]any{"network-private-subnet-apne1-az1": unready},
			want:       time.Second,
		},
		"JustComposed": {
			reason: "So it is with what was composed in this run.",
			gone:   []string{"network-internet-gateway"},
			want:   time.Second,
		},
		"SlowKinds": {
			reason:     "A cluster takes ten minutes, and a run each second of them would cost half a core.",
			conditions: map[string][]any{"cluster-eks": unready, "network-nat": unready},
			want:       5 * time.Second,
		},
		"SlowAndQuick": {
			reason:     "One quick kind is enough.",
			conditions: map[string][]any{"cluster-eks": unready, "network-vpc": unready},
			want:       time.Second,
		},
		"Refused": {
			reason:     "What AWS refuses is tried again in the provider's time, not in ours.",
			conditions: map[string][]any{"network-vpc": {condition("Ready", "False", ""), condition("Synced", "False", "VpcLimitExceeded")}},
			want:       5 * time.Second,
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, loadClaim(t, "testdata/claims/single.yaml"))
			w.settle()

			for k, conditions := range tc.conditions {
				w.observed[k]["status"].(map[string]any)["conditions"] = conditions
			}

			for _, k := range tc.gone {
				delete(w.observed, k)
			}

			if got := w.run().GetMeta().GetTtl().AsDuration(); got != tc.want {
				t.Errorf("%s\nTTL: want %s, got %s", tc.reason, tc.want, got)
			}
		})
	}
}
