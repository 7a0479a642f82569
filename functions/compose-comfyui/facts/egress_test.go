package facts_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// TestEgress goes through the states of a change from one kind of NAT gateway
// to the other, and through what may go wrong in each.
func TestEgress(t *testing.T) {
	onto := func(nat string) kittest.State { return at(map[string]any{"natGatewayId": nat}) }
	address := at(map[string]any{"publicIp": "198.51.100.7"})

	type want struct {
		NAT   kit.Key
		Moved bool
		IP    string
	}

	cases := map[string]struct {
		reason   string
		egress   v1alpha1.Egress
		observed map[kit.Key]kittest.State
		want     want
	}{
		"FirstNAT": {
			reason: "There is one gateway, and the route will point at it.",
			egress: v1alpha1.EgressSingleNAT,
			want:   want{NAT: plan.NAT},
		},
		"FirstNATUp": {
			reason:   "The route is on it.",
			egress:   v1alpha1.EgressSingleNAT,
			observed: map[kit.Key]kittest.State{plan.NAT: id("nat-1"), plan.NATAddress: address, plan.PrivateEgress: onto("nat-1")},
			want:     want{NAT: plan.NAT, Moved: true, IP: "198.51.100.7"},
		},
		"SwitchAsked": {
			reason:   "The new gateway is not there yet, so the route stays.",
			egress:   v1alpha1.EgressRegionalNAT,
			observed: map[kit.Key]kittest.State{plan.NAT: id("nat-1"), plan.NATAddress: address, plan.PrivateEgress: onto("nat-1")},
			want:     want{NAT: plan.NAT},
		},
		"NewOneComing": {
			reason:   "It stays while the new one is being made.",
			egress:   v1alpha1.EgressRegionalNAT,
			observed: map[kit.Key]kittest.State{plan.NAT: id("nat-1"), plan.RegionalNAT: kittest.Creating(), plan.PrivateEgress: onto("nat-1")},
			want:     want{NAT: plan.NAT},
		},
		"NewOneReady": {
			reason:   "It moves when the new one is ready; AWS does not have it there yet.",
			egress:   v1alpha1.EgressRegionalNAT,
			observed: map[kit.Key]kittest.State{plan.NAT: id("nat-1"), plan.RegionalNAT: id("nat-2"), plan.PrivateEgress: onto("nat-1")},
			want:     want{NAT: plan.RegionalNAT},
		},
		"Moved": {
			reason:   "AWS has it there: the old one may go.",
			egress:   v1alpha1.EgressRegionalNAT,
			observed: map[kit.Key]kittest.State{plan.NAT: id("nat-1"), plan.RegionalNAT: id("nat-2"), plan.PrivateEgress: onto("nat-2")},
			want:     want{NAT: plan.RegionalNAT, Moved: true},
		},
		"MovedAndUnready": {
			reason:   "A new one that looks unready for a moment, by a changed tag, does not send the route back.",
			egress:   v1alpha1.EgressRegionalNAT,
			observed: map[kit.Key]kittest.State{plan.NAT: id("nat-1"), plan.RegionalNAT: {AtProvider: map[string]any{"id": "nat-2"}}, plan.PrivateEgress: onto("nat-2")},
			want:     want{NAT: plan.RegionalNAT, Moved: true},
		},
		"MovedAndLost": {
			reason:   "Nor does one whose status is lost; but nothing goes until it is seen again.",
			egress:   v1alpha1.EgressRegionalNAT,
			observed: map[kit.Key]kittest.State{plan.NAT: id("nat-1"), plan.RegionalNAT: kittest.Creating(), plan.PrivateEgress: onto("nat-2")},
			want:     want{NAT: plan.RegionalNAT},
		},
		"OldOneGoing": {
			reason:   "The route never goes to a gateway that is on its way out.",
			egress:   v1alpha1.EgressRegionalNAT,
			observed: map[kit.Key]kittest.State{plan.NAT: {AtProvider: map[string]any{"id": "nat-1"}, Deleting: true}, plan.RegionalNAT: kittest.Creating(), plan.PrivateEgress: kittest.Ready()},
			want:     want{NAT: plan.RegionalNAT},
		},
		"OldOneGone": {
			reason:   "A regional gateway has no address of its own to tell.",
			egress:   v1alpha1.EgressRegionalNAT,
			observed: map[kit.Key]kittest.State{plan.RegionalNAT: id("nat-2"), plan.PrivateEgress: onto("nat-2"), plan.NATAddress: address},
			want:     want{NAT: plan.RegionalNAT, Moved: true},
		},
		"BackAgain": {
			reason:   "The way back is the same.",
			egress:   v1alpha1.EgressSingleNAT,
			observed: map[kit.Key]kittest.State{plan.RegionalNAT: id("nat-2"), plan.NAT: kittest.Creating(), plan.PrivateEgress: onto("nat-2")},
			want:     want{NAT: plan.RegionalNAT},
		},
		"ChangeOfMind": {
			reason:   "Who turns back before the route has moved keeps the gateway that works.",
			egress:   v1alpha1.EgressSingleNAT,
			observed: map[kit.Key]kittest.State{plan.NAT: id("nat-1"), plan.RegionalNAT: kittest.Creating(), plan.NATAddress: address, plan.PrivateEgress: onto("nat-1")},
			want:     want{NAT: plan.NAT, Moved: true, IP: "198.51.100.7"},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			f, err := facts.From(newPlan(t, tc.egress, zoneA, zoneB), observe(tc.observed), v1alpha1.ComfyUIStudioStatus{})
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(tc.want, want{NAT: f.EgressNAT, Moved: f.EgressMoved, IP: f.EgressIP}); diff != "" {
				t.Errorf("%s\nFrom(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
