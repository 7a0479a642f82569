package main

import (
	"fmt"
	"strings"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// capacitySays tells which pools get no nodes, why, and what to do. It holds
// nothing up by itself: a pool whose first server never came holds the workload.
func capacitySays(a answer) statement {
	var messages []string

	for i, p := range a.plan.Pools {
		for _, f := range a.facts.Workload.Pools {
			if f.Name != p.Name {
				continue
			}

			for _, t := range f.Troubles {
				if remedy := a.remedy(i, p, t.Reason); remedy != "" {
					messages = append(messages, fmt.Sprintf("pool %s: %s", p.Name, withWords(remedy, t.Message)))
				}
			}
		}
	}

	if len(messages) == 0 {
		return statement{}
	}

	return statement{reason: v1alpha1.ReasonNoCapacity, message: list(messages, "; ")}
}

// remedy is what a trouble of getting nodes means and what to do about it; empty
// for other troubles.
func (a answer) remedy(i int, p plan.Pool, reason facts.TroubleReason) string {
	path, types := fmt.Sprintf("spec.pools[%d]", i), strings.Join(p.InstanceTypes, ", ")

	switch reason {
	case facts.QuotaExceeded:
		return fmt.Sprintf("account %s may run no more of such instances; ask Service Quotas in %s for at least %d vCPUs of %s, or lower %s.maxGPUs",
			a.facts.Account, a.plan.RegionName, p.VCPUs(), `"`+strings.Join(p.Quotas(), `" and "`)+`"`, path)
	case facts.InsufficientCapacity:
		return fmt.Sprintf("AWS has none of %s free in the studio's zones; it is tried again by itself; add types to %s.instanceTypes, or zones to spec.network.zoneIDs", types, path)
	case facts.SpotShortage:
		return fmt.Sprintf("AWS has no spot capacity for %s in the studio's zones; it is tried again by itself; add types to %s.instanceTypes, or set %s.purchase to SpotThenOnDemand", types, path, path)
	case facts.LimitReached:
		return fmt.Sprintf("all of %s.maxGPUs, %d, are in use; raise it for more servers at a time", path, p.MaxGPUs)
	case facts.NodeNotReady:
		return "a node was launched and does not get ready; Karpenter replaces it after 15 minutes; if the next one fares the same, see kubectl describe nodeclaims in the studio's cluster"
	case facts.ImagePullFailed, facts.ModelsNotReady, facts.Crashing, facts.OutOfMemory, facts.NotAnswering:
		// The servers', so part workload tells them.
	}

	return ""
}

// withWords adds what Karpenter or AWS says themselves.
func withWords(sentence, words string) string {
	if words = steady(words); words == "" {
		return sentence
	}

	return sentence + " (" + words + ")"
}
