package capacity

import (
	eks "github.com/upbound/provider-aws/v2/apis/namespaced/eks/v1beta1"
	iam "github.com/upbound/provider-aws/v2/apis/namespaced/iam/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/policy"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/role"
)

// nodeRole is what GPU nodes run as. It is not the system nodes': EKS makes the
// access entry of a managed node group's role itself and refuses a second. The
// instance profile is ours, not Karpenter's: one that Karpenter made would be
// left behind and stand in the way of the role's end.
func nodeRole(p plan.Plan, d *kit.Desired) {
	d.Add(plan.GPUNodeRole, role.New("The studio's GPU nodes", policy.AssumedBy("ec2.amazonaws.com")))

	for _, a := range nodeRoleAttachments() {
		d.Add(a.Key, role.Attach(d, plan.GPUNodeRole, a.Policy))
	}

	d.AddWhen(knowsAccount(p), plan.GPUNodeRoleModels, role.Policy(d, plan.GPUNodeRole, policy.Document(policy.Statement{
		Sid: "ListModels", Effect: policy.Allow, Action: []string{"s3:ListBucket"}, Resource: []string{p.BucketARN(plan.Models)},
	}, policy.Statement{
		Sid: "ReadModelsAndDaemon", Effect: policy.Allow, Action: []string{"s3:GetObject"},
		Resource: []string{p.BucketARN(plan.Models) + "/*", p.ArtefactARN() + "/" + plan.ArtefactPrefix + "*", p.ArtefactARN() + "/" + plan.OrderObject},
	}, policy.Statement{
		Sid: "TellStatus", Effect: policy.Allow, Action: []string{"s3:PutObject"},
		Resource: []string{p.ArtefactARN() + "/" + plan.NodeStatusPrefix + "*"},
	})))

	d.Add(plan.GPUNodeProfile, &iam.InstanceProfile{Spec: iam.InstanceProfileSpec{ForProvider: iam.InstanceProfileParameters{
		RoleRef: d.Ref(plan.GPUNodeRole),
	}}})

	// Without it a node is launched and the cluster does not let it in.
	d.Add(plan.GPUNodeEntry, &eks.AccessEntry{Spec: eks.AccessEntrySpec{ForProvider: eks.AccessEntryParameters{
		ClusterNameRef:          d.Ref(plan.Cluster),
		PrincipalArnFromRoleRef: d.Ref(plan.GPUNodeRole),
		Type:                    new("EC2_LINUX"),
	}}})
}

func nodeRoleAttachments() []role.Attachment {
	return role.OfNode(plan.GPUNodeRoleWorker, plan.GPUNodeRoleCNI, plan.GPUNodeRoleRegistry, plan.GPUNodeRoleSSM)
}

// nodeKeys are everything that a node needs to be launched and to join.
func nodeKeys() []kit.Key {
	out := []kit.Key{plan.GPUNodeRole, plan.GPUNodeRoleModels, plan.GPUNodeProfile, plan.GPUNodeEntry}
	for _, a := range nodeRoleAttachments() {
		out = append(out, a.Key)
	}

	return out
}
