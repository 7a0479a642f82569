package network

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plantest"
)

func newPlan(t *testing.T, egress v1alpha1.Egress, zones ...string) plan.Plan {
	t.Helper()

	return plantest.New(t, func(s *v1alpha1.ComfyUIStudioSpec) { s.Network.ZoneIDs, s.Network.Egress = zones, egress })
}

func compose(t *testing.T, p plan.Plan, f facts.Facts, states map[kit.Key]kittest.State) kittest.Result {
	t.Helper()

	d := kit.NewDesired(p, kittest.Observe(p.Name, states))
	Compose(p, f, d)

	r, err := kittest.ResultOf(d)
	if err != nil {
		t.Fatal(err)
	}

	return r
}

// up is the part when everything that it makes is there.
func up(t *testing.T, p plan.Plan, f facts.Facts) (map[kit.Key]kittest.State, kittest.Result) {
	t.Helper()

	states := map[kit.Key]kittest.State{}

	for range 10 {
		r := compose(t, p, f, states)
		if len(r.Waiting) == 0 {
			return states, r
		}

		for k := range r.Resources {
			states[k] = kittest.Ready()
		}
	}

	t.Fatal("the network does not come up")

	return nil, kittest.Result{}
}

// TestZoneAdded holds that a zone at the end of the list adds its subnet and
// that subnet's routes, and changes not a field of anything else.
func TestZoneAdded(t *testing.T) {
	f := facts.Facts{EgressNAT: plan.NAT, EgressMoved: true}
	states, before := up(t, newPlan(t, v1alpha1.EgressSingleNAT, "apne1-az4", "apne1-az1"), f)
	after := compose(t, newPlan(t, v1alpha1.EgressSingleNAT, "apne1-az4", "apne1-az1", "apne1-az2"), f, states)

	var added []kit.Key

	for _, k := range slices.Sorted(maps.Keys(after.Resources)) {
		was, ok := before.Resources[k]
		if !ok {
			added = append(added, k)
			continue
		}

		if diff := cmp.Diff(was.Object, after.Resources[k].Object); diff != "" {
			t.Errorf("%s: -before, +after:\n%s", k, diff)
		}
	}

	if diff := cmp.Diff([]kit.Key{plan.PrivateSubnet("apne1-az2")}, added); diff != "" {
		t.Errorf("new resources: -want, +got:\n%s", diff)
	}

	want := map[kit.Key][]string{plan.PrivateSubnetRoutes("apne1-az2"): {string(plan.PrivateSubnet("apne1-az2"))}}
	if diff := cmp.Diff(want, after.Waiting); diff != "" {
		t.Errorf("new resources that wait: -want, +got:\n%s", diff)
	}
}

// TestEgress holds which resources each way out is made of, when both are up.
func TestEgress(t *testing.T) {
	single := []kit.Key{
		plan.NAT, plan.NATAddress, plan.PublicEgress, plan.PublicRoutes,
		plan.PublicSubnetRoutes("apne1-az4"), plan.PublicSubnet("apne1-az4"),
	}

	cases := map[string]struct {
		reason   string
		egress   v1alpha1.Egress
		nat      kit.Key
		has, not []kit.Key
	}{
		"SingleNAT": {
			reason: "One gateway stands in a public subnet of the first zone.",
			egress: v1alpha1.EgressSingleNAT, nat: plan.NAT,
			has: single, not: []kit.Key{plan.RegionalNAT},
		},
		"RegionalNAT": {
			reason: "One that spans the zones needs neither subnet nor address nor routes of ours.",
			egress: v1alpha1.EgressRegionalNAT, nat: plan.RegionalNAT,
			has: []kit.Key{plan.RegionalNAT, plan.InternetGateway}, not: single,
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p := newPlan(t, tc.egress, "apne1-az4", "apne1-az1")
			_, r := up(t, p, facts.Facts{EgressNAT: tc.nat})

			for _, k := range tc.has {
				if r.Resources[k] == nil {
					t.Errorf("%s\n%s is missing", tc.reason, k)
				}
			}

			for _, k := range tc.not {
				if r.Resources[k] != nil {
					t.Errorf("%s\n%s is there", tc.reason, k)
				}
			}

			got, _, _ := unstructured.NestedMap(r.Resources[plan.PrivateEgress].Object, "spec", "forProvider", "natGatewayIdRef")

			// A reference is resolved once and then kept, unless it says otherwise.
			want := map[string]any{"name": p.Name(tc.nat), "policy": map[string]any{"resolve": "Always"}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s\nthe private route: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
