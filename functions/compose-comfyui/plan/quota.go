package plan

import (
	"slices"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
)

// Quotas are the limits that the pool's instances count against, by the names
// that Service Quotas has for them.
func (p Pool) Quotas() []string {
	var out []string

	for _, t := range p.Types() {
		q := t.Quota()

		if p.Purchase != v1alpha1.PurchaseOnDemand {
			out = append(out, q.Spot)
		}

		if p.Purchase != v1alpha1.PurchaseSpot {
			out = append(out, q.OnDemand)
		}
	}

	slices.Sort(out)

	return slices.Compact(out)
}

// VCPUs is the least that a quota must allow for as many GPUs as the pool may
// hold.
func (p Pool) VCPUs() int32 {
	var least int32

	for i, t := range p.Types() {
		nodes := (p.MaxGPUs + t.GPUs - 1) / t.GPUs
		if n := nodes * t.VCPUs; i == 0 || n < least {
			least = n
		}
	}

	return least
}
