package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

func TestCapacitySays(t *testing.T) {
	pools := []plan.Pool{
		{Name: "default", InstanceTypes: []string{"g6.2xlarge", "g5.2xlarge"}, Purchase: v1alpha1.PurchaseOnDemand, MaxGPUs: 4},
		{Name: "batch", InstanceTypes: []string{"g6.xlarge"}, Purchase: v1alpha1.PurchaseSpotThenOnDemand, MaxGPUs: 16},
	}

	cases := map[string]struct {
		reason   string
		troubles map[string][]facts.Trouble
		want     string
	}{
		"None": {reason: "A pool without trouble needs no words."},
		"OthersTrouble": {
			reason:   "What is not about nodes is another part's to tell.",
			troubles: map[string][]facts.Trouble{"default": {{Reason: facts.ImagePullFailed, Message: "no such image"}, {Reason: "Unheard", Message: "of"}}},
		},
		"Quota": {
			reason:   "A quota is named as Service Quotas names it, with how much it takes.",
			troubles: map[string][]facts.Trouble{"default": {{Reason: facts.QuotaExceeded, Message: "VcpuLimitExceeded: You have requested more vCPU capacity than your current vCPU limit of 0"}}},
			want: `pool default: account 123456789012 may run no more of such instances; ask Service Quotas in ap-northeast-1 for at least 32 vCPUs of "Running On-Demand G and VT instances", or lower spec.pools[0].maxGPUs ` +
				`(VcpuLimitExceeded: You have requested more vCPU capacity than your current vCPU limit of 0)`,
		},
		"TwoQuotas": {
			reason:   "A pool that buys both ways counts against both.",
			troubles: map[string][]facts.Trouble{"batch": {{Reason: facts.QuotaExceeded}}},
			want: `pool batch: account 123456789012 may run no more of such instances; ask Service Quotas in ap-northeast-1 for at least 64 vCPUs of ` +
				`"All G and VT Spot Instance Requests" and "Running On-Demand G and VT instances", or lower spec.pools[1].maxGPUs`,
		},
		"Capacity": {
			reason:   "Where AWS has no instances other types or zones help.",
			troubles: map[string][]facts.Trouble{"default": {{Reason: facts.InsufficientCapacity}}},
			want:     "pool default: AWS has none of g6.2xlarge, g5.2xlarge free in the studio's zones; it is tried again by itself; add types to spec.pools[0].instanceTypes, or zones to spec.network.zoneIDs",
		},
		"Spot": {
			reason:   "Where it has no spot instances others do too.",
			troubles: map[string][]facts.Trouble{"batch": {{Reason: facts.SpotShortage}}},
			want: "pool batch: AWS has no spot capacity for g6.xlarge in the studio's zones; it is tried again by itself; " +
				"add types to spec.pools[1].instanceTypes, or set spec.pools[1].purchase to SpotThenOnDemand",
		},
		"Several": {
			reason:   "Every pool's trouble is told, in the order of the spec, without what changes from try to try.",
			troubles: map[string][]facts.Trouble{"batch": {{Reason: facts.NodeNotReady, Message: "not registered, request id: 1b-2c"}}, "default": {{Reason: facts.LimitReached}}},
			want: "pool default: all of spec.pools[0].maxGPUs, 4, are in use; raise it for more servers at a time; " +
				"pool batch: a node was launched and does not get ready; Karpenter replaces it after 15 minutes; if the next one fares the same, see kubectl describe nodeclaims in the studio's cluster (not registered)",
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			a := answer{plan: plan.Plan{RegionName: "ap-northeast-1", Pools: pools}, facts: facts.Facts{Account: account}}
			for name, troubles := range tc.troubles {
				a.facts.Workload.Pools = append(a.facts.Workload.Pools, facts.Pool{Name: name, Troubles: troubles})
			}

			got := capacitySays(a)
			if got.ok || got.holds || (got.reason != "") != (tc.want != "") {
				t.Errorf("%s\ncapacitySays(...): got %+v", tc.reason, got)
			}

			if diff := cmp.Diff(tc.want, got.message); diff != "" {
				t.Errorf("%s\ncapacitySays(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
