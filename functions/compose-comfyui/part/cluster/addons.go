package cluster

import (
	eks "github.com/upbound/provider-aws/v2/apis/namespaced/eks/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/policy"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/role"
)

// addons are made beside the nodes, not after them: a node that waits for the
// network add-on is an ordinary state, a node group that waits for ever for
// nodes without one is not. Each is composed when the cluster is ACTIVE. The
// provider does not wait for that by itself: five add-ons made 75 refused calls
// and then lay in their back-off for minutes after the cluster was there.
//
// No version is given, so EKS takes the default for the cluster's version; the
// provider then writes that one into the spec.
func addons(d *kit.Desired) {
	d.Add(plan.AddonVPCCNI, addon(d, "vpc-cni", `{"enableNetworkPolicy":"true"}`))
	d.Add(plan.AddonKubeProxy, addon(d, "kube-proxy", ""))
	d.Add(plan.AddonCoreDNS, addon(d, "coredns", ""))
	d.Add(plan.AddonPodIdentity, addon(d, "eks-pod-identity-agent", ""))

	// Pods that start before their association have no credentials until they
	// are started again.
	d.AddWhen(kit.After(plan.S3DriverIdentity), plan.AddonMountpointS3, addon(d, "aws-mountpoint-s3-csi-driver", ""))
}

func addon(d *kit.Desired, name, values string) *eks.Addon {
	a := &eks.Addon{Spec: eks.AddonSpec{ForProvider: eks.AddonParameters{
		ClusterNameRef:           d.Ref(plan.Cluster),
		AddonName:                &name,
		ResolveConflictsOnCreate: new("OVERWRITE"),
		ResolveConflictsOnUpdate: new("OVERWRITE"),
		// The cluster goes too: what the add-on made in it need not be taken out
		// piece by piece while nodes are going away.
		Preserve: new(true),
	}}}
	if values != "" {
		a.Spec.ForProvider.ConfigurationValues = &values
	}

	return a
}

// s3Driver lets the driver mount inputs and outputs, and nothing else.
func s3Driver(p plan.Plan, d *kit.Desired) {
	d.Add(plan.S3DriverRole, role.New("Mounts the studio's inputs and outputs", policy.AssumedByPods()))

	inputs, outputs := p.BucketARN(plan.Inputs), p.BucketARN(plan.Outputs)

	d.AddWhen(kit.Needs(inputs, "the account id"), plan.S3DriverPolicy, role.Policy(d, plan.S3DriverRole, policy.Document(
		policy.Statement{Sid: "List", Effect: policy.Allow, Action: []string{"s3:ListBucket"}, Resource: []string{inputs, outputs}},
		policy.Statement{
			Sid:      "ReadAndWrite",
			Effect:   policy.Allow,
			Action:   []string{"s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"},
			Resource: []string{inputs + "/*", outputs + "/*"},
		},
	)))

	d.AddWhen(kit.After(plan.S3DriverPolicy), plan.S3DriverIdentity, role.ForPods(d, plan.S3DriverRole, "kube-system", "s3-csi-driver-sa"))
}
