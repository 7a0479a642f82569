package cluster

import (
	xpv1 "github.com/crossplane/crossplane-runtime/v2/apis/common/v1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/policy"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/role"
)

// roles adds the control plane's role and the system nodes'. Karpenter's nodes
// have one of their own: EKS makes the access entry of a managed node group's
// role itself, and a second entry for the role would be refused.
func roles(d *kit.Desired) {
	d.Add(plan.ClusterRole, role.New("The studio's EKS control plane", policy.AssumedBy("eks.amazonaws.com")))
	d.Add(plan.ClusterRolePolicy, role.Attach(d, plan.ClusterRole, "AmazonEKSClusterPolicy"))

	d.Add(plan.NodeRole, role.New("The studio's system nodes", policy.AssumedBy("ec2.amazonaws.com")))

	for _, a := range nodeRoleAttachments() {
		d.Add(a.Key, role.Attach(d, plan.NodeRole, a.Policy))
	}
}

func nodeRoleAttachments() []role.Attachment {
	return role.OfNode(plan.NodeRoleWorker, plan.NodeRoleCNI, plan.NodeRoleRegistry, plan.NodeRoleSSM)
}

func nodeRolePolicies() []kit.Key {
	var out []kit.Key
	for _, a := range nodeRoleAttachments() {
		out = append(out, a.Key)
	}

	return out
}

func clusterSubnets(p plan.Plan, d *kit.Desired) []xpv1.NamespacedReference {
	var keys []kit.Key
	for _, z := range p.Network.ClusterZones() {
		keys = append(keys, plan.PrivateSubnet(z.ID))
	}

	return d.Refs(keys...)
}
