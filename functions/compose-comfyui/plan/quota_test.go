package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
)

func TestQuotas(t *testing.T) {
	const g, p5 = "Running On-Demand G and VT instances", "Running On-Demand P instances"

	purchase := func(p v1alpha1.Purchase) func(*v1alpha1.Pool) { return func(s *v1alpha1.Pool) { s.Purchase = p } }

	cases := map[string]struct {
		reason string
		mods   []func(*v1alpha1.Pool)
		quotas []string
		vCPUs  int32
	}{
		"OnDemand": {
			reason: "Four GPUs are four times the 8 vCPUs of its types.",
			quotas: []string{g}, vCPUs: 32,
		},
		"Spot": {
			reason: "Spot requests have a quota of their own.",
			mods:   []func(*v1alpha1.Pool){purchase(v1alpha1.PurchaseSpot)},
			quotas: []string{"All G and VT Spot Instance Requests"}, vCPUs: 32,
		},
		"Both": {
			reason: "What buys both ways needs both.",
			mods:   []func(*v1alpha1.Pool){purchase(v1alpha1.PurchaseSpotThenOnDemand)},
			quotas: []string{"All G and VT Spot Instance Requests", g}, vCPUs: 32,
		},
		"Families": {
			reason: "G and P count apart; the cheapest in vCPUs is what it takes.",
			mods:   []func(*v1alpha1.Pool){ofTypes("p5.4xlarge", "g6.xlarge")},
			quotas: []string{g, p5}, vCPUs: 16,
		},
		"ManyGPUs": {
			reason: "Five GPUs are two nodes of four.",
			mods:   []func(*v1alpha1.Pool){ofTypes("g6.12xlarge"), withMaxGPUs(5)},
			quotas: []string{g}, vCPUs: 96,
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p := newPlan(t, pooled(tc.mods...)).Pools[0]

			if diff := cmp.Diff(tc.quotas, p.Quotas()); diff != "" {
				t.Errorf("%s\nQuotas(): -want, +got:\n%s", tc.reason, diff)
			}

			if got := p.VCPUs(); got != tc.vCPUs {
				t.Errorf("%s\nVCPUs(): want %d, got %d", tc.reason, tc.vCPUs, got)
			}
		})
	}
}
