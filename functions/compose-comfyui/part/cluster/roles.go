package cluster

import (
	xpv1 "github.com/crossplane/crossplane-runtime/v2/apis/common/v1"
	iam "github.com/upbound/provider-aws/v2/apis/namespaced/iam/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/policy"
)

const awsManaged = "arn:aws:iam::aws:policy/"

// roles adds the control plane's role and the system nodes'. Karpenter's nodes
// have one of their own: EKS makes the access entry of a managed node group's
// role itself, and a second entry for the role would be refused.
func roles(d *kit.Desired) {
	d.Add(plan.ClusterRole, role("The studio's EKS control plane", policy.AssumedBy("eks.amazonaws.com")))
	d.Add(plan.ClusterRolePolicy, attachment(d, plan.ClusterRole, "AmazonEKSClusterPolicy"))

	d.Add(plan.NodeRole, role("The studio's system nodes", policy.AssumedBy("ec2.amazonaws.com")))

	for _, a := range nodeRoleAttachments() {
		d.Add(a.key, attachment(d, plan.NodeRole, a.policy))
	}
}

type managedPolicy struct {
	key    kit.Key
	policy string
}

func nodeRoleAttachments() []managedPolicy {
	return []managedPolicy{
		{plan.NodeRoleWorker, "AmazonEKSWorkerNodePolicy"},
		// The CNI add-on starts before Pod Identity's agent can give it a role.
		{plan.NodeRoleCNI, "AmazonEKS_CNI_Policy"},
		{plan.NodeRoleRegistry, "AmazonEC2ContainerRegistryPullOnly"},
		// A way in for people without SSH keys or open ports.
		{plan.NodeRoleSSM, "AmazonSSMManagedInstanceCore"},
	}
}

func nodeRolePolicies() []kit.Key {
	var out []kit.Key
	for _, a := range nodeRoleAttachments() {
		out = append(out, a.key)
	}

	return out
}

func role(description, trust string) *iam.Role {
	return &iam.Role{Spec: iam.RoleSpec{ForProvider: iam.RoleParameters{
		Description:      new(description),
		AssumeRolePolicy: &trust,
	}}}
}

func attachment(d *kit.Desired, role kit.Key, name string) *iam.RolePolicyAttachment {
	return &iam.RolePolicyAttachment{Spec: iam.RolePolicyAttachmentSpec{ForProvider: iam.RolePolicyAttachmentParameters{
		RoleRef:   d.Ref(role),
		PolicyArn: new(awsManaged + name),
	}}}
}

func clusterSubnets(p plan.Plan, d *kit.Desired) []xpv1.NamespacedReference {
	var keys []kit.Key
	for _, z := range p.Network.ClusterZones() {
		keys = append(keys, plan.PrivateSubnet(z.ID))
	}

	return d.Refs(keys...)
}

func pointers(in []string) []*string {
	out := make([]*string, 0, len(in))
	for _, s := range in {
		out = append(out, &s)
	}

	return out
}
