package main

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// TestFrozen freezes one resource of the fullest studio after the other, in
// every way in which a resource can be short of ready: none leaves the claim
// Ready. What the table of exceptions lists is ready once it is there.
func TestFrozen(t *testing.T) {
	w := newWorld(t, loadClaim(t, "../../examples/full.yaml"))
	w.settle()

	if got := w.run().GetDesired().GetComposite().GetReady(); got != fnv1.Ready_READY_TRUE {
		t.Fatalf("the studio is not ready to begin with: %s", got)
	}

	conditions := func(conditions ...any) func(map[string]any) {
		return func(o map[string]any) { o["status"].(map[string]any)["conditions"] = conditions }
	}

	states := map[string]func(o map[string]any){
		"no status":                func(o map[string]any) { delete(o, "status") },
		"no conditions":            conditions(),
		"Synced alone":             conditions(map[string]any{"type": "Synced", "status": "True"}),
		"Ready False":              conditions(map[string]any{"type": "Ready", "status": "False"}),
		"Ready Unknown":            conditions(map[string]any{"type": "Ready", "status": "Unknown"}),
		"Ready of an older spec":   conditions(map[string]any{"type": "Ready", "status": "True", "observedGeneration": 1}),
		"beside an older Synced":   conditions(map[string]any{"type": "Ready", "status": "True"}, map[string]any{"type": "Synced", "status": "True", "observedGeneration": 1}),
		"deleted and not yet gone": func(o map[string]any) { o["metadata"].(map[string]any)["deletionTimestamp"] = "2026-11-24T20:00:00Z" },
	}

	// One of each kind of a part stands for the others, of which there are hundreds.
	frozenBefore := map[string]bool{}

	for _, k := range sortedKeys(w.observed) {
		like := fmt.Sprint(plan.PartOf(kit.Key(k)), w.observed[k]["kind"], onlyLookedAt(w.observed[k]))
		if frozenBefore[like] {
			continue
		}

		frozenBefore[like] = true

		for state, freeze := range states {
			frozen := newWorld(t, w.claim)
			frozen.observed = maps.Clone(w.observed)

			o := copyOf(t, w.observed[k])
			o["metadata"].(map[string]any)["generation"] = 2
			freeze(o)
			frozen.observed[k] = o

			want := fnv1.Ready_READY_FALSE
			if (readyOnceSeen("", o["kind"].(string)) || onlyLookedAt(o)) && state != "deleted and not yet gone" {
				want = fnv1.Ready_READY_TRUE
			}

			rsp := frozen.run()
			if f := fatal(rsp); f != "" {
				t.Errorf("%s, %s: %s", k, state, f)
				continue
			}

			if got := rsp.GetDesired().GetComposite().GetReady(); got != want {
				t.Errorf("%s, %s: want the claim %s, got %s", k, state, want, got)
			}
		}

		// And one that is not there at all.
		frozen := newWorld(t, w.claim)
		frozen.observed = maps.Clone(w.observed)
		delete(frozen.observed, k)

		// What cannot be made again stops the run.
		rsp := frozen.run()
		if got := rsp.GetDesired().GetComposite().GetReady(); got != fnv1.Ready_READY_FALSE && fatal(rsp) == "" {
			t.Errorf("%s gone: want the claim READY_FALSE, got %s", k, got)
		}
	}
}

// TestAddressLearns has the provider write a NAT gateway's interface into the spec of
// its address, as it does minutes after the studio is Ready. The studio stays Ready;
// for a change of anything else it does not.
func TestAddressLearns(t *testing.T) {
	w := newWorld(t, loadClaim(t, "../../examples/minimal.yaml"))
	w.settle()

	for key, want := range map[kit.Key]fnv1.Ready{plan.NATAddress: fnv1.Ready_READY_TRUE, plan.NAT: fnv1.Ready_READY_FALSE} {
		was, there := w.observed[string(key)]
		if !there {
			t.Fatalf("the studio has no %s", key)
		}

		o := copyOf(t, was)
		o["metadata"].(map[string]any)["generation"] = 2
		o["status"].(map[string]any)["conditions"] = []any{
			map[string]any{"type": "Ready", "status": "True"}, map[string]any{"type": "Synced", "status": "True", "observedGeneration": 1},
		}
		w.observed[string(key)] = o

		if got := w.run().GetDesired().GetComposite().GetReady(); got != want {
			t.Errorf("%s of a new generation: want the claim %s, got %s", key, want, got)
		}

		w.observed[string(key)] = was
	}
}

// onlyLookedAt says whether somebody else makes the object. That there is none is
// an answer.
func onlyLookedAt(o map[string]any) bool {
	policies, _, _ := unstructured.NestedStringSlice(o, "spec", "managementPolicies")
	return slices.Equal(policies, []string{"Observe"})
}

// TestWaiting holds a claim from Ready while resources wait that are not
// composed yet, though all that are composed are ready. Crossplane by itself
// would count those alone.
func TestWaiting(t *testing.T) {
	w := newWorld(t, loadClaim(t, "testdata/claims/single.yaml"))

	var rsp *fnv1.RunFunctionResponse

	for range 12 {
		rsp = w.run()
		w.apply(rsp)

		// AWS does not tell the account, so no bucket gets its name.
		for _, o := range w.observed {
			if at, ok := o["status"].(map[string]any)["atProvider"].(map[string]any); ok {
				delete(at, "arn")
			}
		}
	}

	for k, r := range rsp.GetDesired().GetResources() {
		if r.GetReady() != fnv1.Ready_READY_TRUE {
			t.Errorf("%s is %s: the studio has not settled", k, r.GetReady())
		}
	}

	if got := rsp.GetDesired().GetComposite().GetReady(); got != fnv1.Ready_READY_FALSE {
		t.Errorf("want the claim READY_FALSE, got %s", got)
	}

	if got := rsp.GetMeta().GetTtl().AsDuration(); got != convergingTTL {
		t.Errorf("want an answer good for %s, got %s", convergingTTL, got)
	}
}

func TestUnfinished(t *testing.T) {
	cases := map[string]struct {
		reason     string
		apiVersion string
		kind       string
		state      string
		want       bool
	}{
		"Creating":  {"A cluster that EKS still makes is not there.", "eks.aws.m.upbound.io/v1beta1", "Cluster", "CREATING", true},
		"Failed":    {"A cluster that EKS gave up is not there.", "eks.aws.m.upbound.io/v1beta1", "Cluster", "FAILED", true},
		"Active":    {"A cluster that is there is there.", "eks.aws.m.upbound.io/v1beta1", "Cluster", "ACTIVE", false},
		"Updating":  {"An upgrade leaves the cluster in service.", "eks.aws.m.upbound.io/v1beta1", "Cluster", "UPDATING", false},
		"Unknown":   {"Without a state the Ready condition alone counts.", "eks.aws.m.upbound.io/v1beta1", "Cluster", "", false},
		"NodeGroup": {"Nodes that failed to join are not there.", "eks.aws.m.upbound.io/v1beta1", "NodeGroup", "CREATE_FAILED", true},
		"OtherKind": {"Other kinds mean other things by status.", "acm.aws.m.upbound.io/v1beta1", "Certificate", "ISSUED", false},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := unfinished(tc.apiVersion, tc.kind, tc.state); got != tc.want {
				t.Errorf("%s\nunfinished(%q, %q, %q): want %t, got %t", tc.reason, tc.apiVersion, tc.kind, tc.state, tc.want, got)
			}
		})
	}
}
