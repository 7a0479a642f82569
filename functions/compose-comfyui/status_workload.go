package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// workloadStatus tells the login, the pools and their servers.
func workloadStatus(a answer, s *v1alpha1.ComfyUIStudioStatus) {
	if a.plan.Access.Login == v1alpha1.LoginPassword && a.facts.Workload.Seed != "" {
		s.LoginSecretRef = &v1alpha1.SecretRef{Name: a.plan.Name(plan.StudioSecret)}
	}

	var ready, most int32

	for _, p := range a.facts.Workload.Pools {
		s.Pools = append(s.Pools, v1alpha1.PoolStatus{
			Name: p.Name, Nodes: p.Nodes, Servers: p.Servers, ServersReady: p.ServersReady, Queue: bucket(p.Queue), Started: p.Started,
		})
		ready += p.ServersReady
	}

	for _, p := range a.plan.Pools {
		most += p.MaxServers
	}

	s.Servers = fmt.Sprintf("%d/%d", ready, most)
}

// bucket rounds a count down to 0, 1, 2, 5, 10, 20, 50 and so on: a status that
// changes with every prompt is an event each time.
func bucket(n int32) int32 {
	best := int32(0)

	for unit := int64(1); unit <= int64(n); unit *= 10 {
		for _, step := range []int64{1, 2, 5} {
			if unit*step <= int64(n) {
				best = int32(unit * step) //nolint:gosec // No more than n.
			}
		}
	}

	return best
}

// workloadSays tells what resources do not tell: servers come and go without
// their Deployment changing. Until every pool has shown that it can start one,
// the studio is not Ready; afterwards servers say how they are, and the studio
// stays what it is.
func workloadSays(a answer) statement {
	w := a.facts.Workload

	if w.StatusTrouble != "" {
		return statement{reason: v1alpha1.ReasonFailed, holds: !started(w.Pools), message: fmt.Sprintf(
			"ConfigMap %s/%s in the studio's cluster, which its front door writes, cannot be read: %s; start the front door again with kubectl -n %s rollout restart deployment/%s",
			plan.StudioNamespace, plan.StatusName, steady(w.StatusTrouble), plan.StudioNamespace, plan.FrontDoorName)}
	}

	if troubles := troubles(w.Pools); len(troubles) > 0 {
		return statement{reason: v1alpha1.ReasonFailed, holds: !started(w.Pools), message: list(troubles, "; ")}
	}

	var coming []string

	for _, p := range w.Pools {
		switch {
		case !p.Started:
			coming = append(coming, "the first server of pool "+p.Name)
		case p.Servers > p.ServersReady:
			coming = append(coming, fmt.Sprintf("%d of %d servers of pool %s", p.ServersReady, p.Servers, p.Name))
		}
	}

	if len(coming) > 0 {
		return statement{reason: v1alpha1.ReasonCreating, holds: !started(w.Pools), message: "starting: " + list(coming, ", ")}
	}

	if asleep(w.Pools) {
		return statement{reason: v1alpha1.ReasonAsleep, ok: true, message: "the next visit or prompt starts a server, which takes minutes"}
	}

	return statement{}
}

func started(pools []facts.Pool) bool {
	return !slices.ContainsFunc(pools, func(p facts.Pool) bool { return !p.Started })
}

func asleep(pools []facts.Pool) bool {
	return !slices.ContainsFunc(pools, func(p facts.Pool) bool { return p.Servers > 0 || p.ServersReady > 0 })
}

// troubles are those of servers, in words, with what to do. That a pool gets no
// node is told by CapacityReady.
func troubles(pools []facts.Pool) []string {
	var out []string

	for _, p := range pools {
		for _, t := range p.Troubles {
			if t.Reason.OfCapacity() {
				continue
			}

			what, todo := explain(t.Reason)
			if said := strings.TrimSuffix(steady(t.Message), "."); said != "" {
				what += " (" + said + ")"
			}

			out = append(out, fmt.Sprintf("pool %s: %s; %s", p.Name, what, todo))
		}
	}

	return out
}

func explain(r facts.TroubleReason) (what, todo string) {
	switch r {
	case facts.ImagePullFailed:
		return "the image cannot be pulled", "see ImageReady; with spec.image.uri, let the studio's nodes pull from its registry"
	case facts.ModelsNotReady:
		return "the models do not get onto the node", "see ModelSyncReady, and whether the models bucket holds more than the instance store of spec.pools[].instanceTypes"
	case facts.Crashing:
		return "ComfyUI ends again and again", "its log says why; a custom node or one of spec.pools[].args may be wrong"
	case facts.OutOfMemory:
		return "ComfyUI ran out of memory", "choose spec.pools[].instanceTypes with more memory"
	case facts.NotAnswering:
		return "ComfyUI runs and does not answer", "its log says why; deleting its pod starts another"
	default:
		return string(r), "see the pods in namespace " + plan.StudioNamespace + " of the studio's cluster"
	}
}
