package capacity

import (
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// deletionOrder is a chain, not a product: each pool's servers, its NodePool, its
// EC2NodeClass, then Karpenter's release. The class is the real barrier: its
// finalizer waits for the last node. Karpenter in turn holds everything that a
// node's end needs, so the number of pairs grows with the pools alone.
func deletionOrder(p plan.Plan, d *kit.Desired) {
	for _, name := range poolNames(p, d) {
		d.Use(plan.NodePool(name), plan.Servers(name))
		d.Use(plan.NodeClass(name), plan.NodePool(name))
		d.Use(plan.Karpenter, plan.NodeClass(name))
	}

	for _, k := range untilLastNode(p) {
		d.Use(k, plan.Karpenter)
	}
}

// poolNames are the pools of the spec, and those that it dropped and that are
// still going.
func poolNames(p plan.Plan, d *kit.Desired) []string {
	var out []string

	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true

			out = append(out, name)
		}
	}

	for _, pool := range p.Pools {
		add(pool.Name)
	}

	for _, family := range []string{plan.NodeClasses, plan.NodePools} {
		for _, k := range d.Observed().Family(family) {
			add(plan.PoolOf(k))
		}
	}

	return out
}

// untilLastNode is what must stand while there are GPU nodes: the way in, for
// Crossplane takes pools away through it; Karpenter's identity and the nodes';
// what Karpenter runs on; and the way out, without which it reaches no AWS API
// and a node neither drains nor ends.
func untilLastNode(p plan.Plan) []kit.Key {
	out := []kit.Key{
		plan.ClusterAuth, plan.KubernetesProvider, plan.HelmProvider,
		plan.KarpenterRole, plan.KarpenterPolicy, plan.KarpenterIdentity,
		plan.SystemNodes, plan.AddonVPCCNI, plan.AddonKubeProxy, plan.AddonCoreDNS, plan.AddonPodIdentity,
		plan.NAT, plan.RegionalNAT, plan.NATAddress, plan.InternetGateway, plan.PrivateEgress, plan.PublicEgress,
		plan.PublicSubnetRoutes(p.Network.NATZone().ID),
		// Terraform takes a route table's routes and associations along with it.
		plan.PrivateRoutes, plan.PublicRoutes,
		// A Karpenter that starts again looks for it first, and ends without.
		plan.InterruptionQueue,
	}
	out = append(out, nodeKeys()...)

	for _, z := range p.Network.Zones {
		out = append(out, plan.PrivateSubnetRoutes(z.ID))
	}

	return out
}
