package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// TestEgressSwitch changes the way out of a finished studio and back, run by
// run. The new gateway comes first, the route moves when it is ready, and the
// old one leaves in the order of its references.
func TestEgressSwitch(t *testing.T) {
	const zone = "apne1-az1"

	// step is what one run adds, where the route points, and what it lets go,
	// Usages aside.
	type step struct {
		New    []kit.Key
		Route  kit.Key
		Leaves []kit.Key
	}

	cases := []struct {
		reason string
		egress string
		slow   kit.Key
		want   []step
	}{
		{
			reason: "To a gateway that spans the zones, which takes its time.",
			egress: "RegionalNAT",
			slow:   plan.RegionalNAT,
			want: []step{
				{New: []kit.Key{plan.RegionalNAT}, Route: plan.NAT},
				{Route: plan.NAT},
				// Ready: the route moves, and nothing goes before AWS has it there.
				{Route: plan.RegionalNAT},
				// A Usage goes a run before what it protects.
				{Route: plan.RegionalNAT},
				{Route: plan.RegionalNAT, Leaves: []kit.Key{plan.NAT}},
				{Route: plan.RegionalNAT},
				{Route: plan.RegionalNAT, Leaves: []kit.Key{plan.NATAddress, plan.PublicEgress, plan.PublicSubnetRoutes(zone)}},
				{Route: plan.RegionalNAT, Leaves: []kit.Key{plan.PublicSubnet(zone)}},
				// A table that Karpenter's last node must not lose has a Usage, which goes
				// before it.
				{Route: plan.RegionalNAT, Leaves: []kit.Key{plan.PublicRoutes}},
				{Route: plan.RegionalNAT},
			},
		},
		{
			reason: "And back to the one that is cheapest.",
			egress: "SingleNAT",
			slow:   plan.NAT,
			want: []step{
				{New: []kit.Key{plan.NATAddress, plan.PublicRoutes, plan.PublicSubnet(zone)}, Route: plan.RegionalNAT},
				{New: []kit.Key{plan.PublicEgress, plan.PublicSubnetRoutes(zone)}, Route: plan.RegionalNAT},
				{New: []kit.Key{plan.NAT}, Route: plan.RegionalNAT},
				{Route: plan.RegionalNAT},
				{Route: plan.NAT},
				{Route: plan.NAT},
				{Route: plan.NAT, Leaves: []kit.Key{plan.RegionalNAT}},
				{Route: plan.NAT},
			},
		},
	}

	w := newWorld(t, loadClaim(t, "testdata/claims/single.yaml"))
	w.settle()

	for _, tc := range cases {
		setIn(t, w.claim, tc.egress, "spec", "network", "egress")

		var got []step

		for range tc.want {
			held := w.observed[string(tc.slow)] == nil
			w.hold = func(k string) bool { return held && k == string(tc.slow) }

			before := slices.Collect(maps.Keys(w.observed))
			rsp := w.run()
			checkLeaving(t, w, rsp)

			s := step{Route: routeOf(t, rsp)}

			for _, k := range sortedKeys(rsp.GetDesired().GetResources()) {
				if w.observed[k] == nil && !strings.HasPrefix(k, kit.UsagePrefix) {
					s.New = append(s.New, kit.Key(k))
				}
			}

			w.apply(rsp)

			for _, k := range before {
				if w.observed[k] == nil && !strings.HasPrefix(k, kit.UsagePrefix) {
					s.Leaves = append(s.Leaves, kit.Key(k))
				}
			}

			slices.Sort(s.Leaves)

			got = append(got, s)
		}

		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s\nruns: -want, +got:\n%s", tc.reason, diff)
		}

		// It ends where a studio that was made so stands.
		fresh := newWorld(t, loadClaim(t, "testdata/claims/single.yaml"))
		setIn(t, fresh.claim, tc.egress, "spec", "network", "egress")
		fresh.settle()

		if diff := cmp.Diff(sortedKeys(fresh.observed), sortedKeys(w.observed)); diff != "" {
			t.Errorf("%s\nresources: -of a new studio, +got:\n%s", tc.reason, diff)
		}
	}
}

// TestEgressUnready makes each gateway look unready in every run of the change:
// whatever the moment, the route stays on one that works.
func TestEgressUnready(t *testing.T) {
	for _, unready := range []kit.Key{plan.NAT, plan.RegionalNAT} {
		w := newWorld(t, loadClaim(t, "testdata/claims/single.yaml"))
		w.settle()
		setIn(t, w.claim, "RegionalNAT", "spec", "network", "egress")

		for run := range 10 {
			moved := w.observed["network-private-egress"]["status"].(map[string]any)["atProvider"].(map[string]any)["natGatewayId"] == "id-"+string(plan.RegionalNAT)

			hurt := newWorld(t, copyOf(t, w.claim))
			hurt.observed = maps.Clone(w.observed)

			if o := w.observed[string(unready)]; o != nil {
				o = copyOf(t, o)
				delete(o, "status")
				hurt.observed[string(unready)] = o
			}

			rsp := hurt.run()
			checkLeaving(t, hurt, rsp)

			if route := routeOf(t, rsp); moved && route != plan.RegionalNAT {
				t.Errorf("run %d, %s unready: the route goes back to %s", run, unready, route)
			}

			w.apply(w.run())
		}
	}
}

// checkLeaving holds that a run lets nothing go that something still uses.
// Crossplane deletes in random order, before it applies, and stops at the first
// refusal.
func checkLeaving(t *testing.T, w *world, rsp *fnv1.RunFunctionResponse) {
	t.Helper()

	if f := fatal(rsp); f != "" {
		t.Fatal(f)
	}

	for k, o := range w.observed {
		if rsp.GetDesired().GetResources()[k] != nil {
			continue
		}

		name := o["metadata"].(map[string]any)["name"].(string)

		for user, u := range w.observed {
			// That a Usage names its user protects the other side alone.
			if user != k && refersTo(u["spec"], name) && !usedBy(u, name) {
				t.Errorf("%s leaves while %s refers to it", k, user)
			}
		}

		for user, r := range rsp.GetDesired().GetResources() {
			if o := r.GetResource().AsMap(); refersTo(o["spec"], name) && !usedBy(o, name) {
				t.Errorf("%s leaves in the run that makes %s refer to it", k, user)
			}
		}

		status, _ := w.observed["network-private-egress"]["status"].(map[string]any)
		if at, _ := status["atProvider"].(map[string]any); at["natGatewayId"] == "id-"+k {
			t.Errorf("%s leaves while AWS routes to it", k)
		}
	}
}

// usedBy says whether o is a Usage whose user is called name.
func usedBy(o map[string]any, name string) bool {
	spec, _ := o["spec"].(map[string]any)

	return o["kind"] == "Usage" && refersTo(spec["by"], name) && !refersTo(spec["of"], name)
}

// refersTo finds a reference by the name alone, not by the kit's own rules.
func refersTo(v any, name string) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			if refersTo(e, name) {
				return true
			}
		}

		return v["name"] == name
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return refersTo(e, name) })
	}

	return false
}

// routeOf is the gateway that a run points the private route at.
func routeOf(t *testing.T, rsp *fnv1.RunFunctionResponse) kit.Key {
	t.Helper()

	spec, ok := rsp.GetDesired().GetResources()["network-private-egress"].GetResource().AsMap()["spec"].(map[string]any)
	if !ok {
		t.Fatal("the private route is not desired")
	}

	name := spec["forProvider"].(map[string]any)["natGatewayIdRef"].(map[string]any)["name"].(string)

	_, key, _ := strings.Cut(name, "-network-")

	return kit.Key("network-" + key)
}
