package capacity

import (
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/incluster"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// pools adds what each pool's nodes are made from, and lets go of what the spec
// dropped: servers first, then the pool with its nodes, then their class.
func pools(p plan.Plan, f facts.Facts, d *kit.Desired) {
	wanted := map[kit.Key]bool{}

	for _, pool := range p.Pools {
		class, nodes := plan.NodeClass(pool.Name), plan.NodePool(pool.Name)
		wanted[class], wanted[nodes] = true, true

		g := kit.All(
			knowsAccount(p), needsNetwork(f),
			kit.After(append(nodeKeys(), plan.Karpenter)...),
			kit.Needs(f.Image.Agent.NodeDaemonSHA256, "the node daemon in the account"),
		)
		d.AddWhen(g, class, incluster.New(d, classOf(p, f, pool), incluster.Owned(), incluster.ReadyWhenObjectSays()))
		d.AddWhen(kit.After(class), nodes, incluster.New(d, poolOf(p, pool), incluster.Owned(), incluster.ReadyWhenObjectSays()))
	}

	for _, k := range d.Observed().Family(plan.NodePools) {
		if !wanted[k] {
			d.RemoveAfter(k, plan.Servers(plan.PoolOf(k)))
		}
	}

	for _, k := range d.Observed().Family(plan.NodeClasses) {
		if !wanted[k] {
			d.RemoveAfter(k, plan.NodePool(plan.PoolOf(k)))
		}
	}
}

// classOf is how the pool's nodes are launched.
func classOf(p plan.Plan, f facts.Facts, pool plan.Pool) *ec2NodeClass {
	tags := p.Tags(plan.NodeClass(pool.Name))
	tags["Name"] = p.NodeName(pool.Name)

	var subnets []idTerm
	for _, id := range f.PrivateSubnetIDs {
		subnets = append(subnets, idTerm{ID: id})
	}

	return &ec2NodeClass{
		TypeMeta:   metav1.TypeMeta{APIVersion: "karpenter.k8s.aws/v1", Kind: "EC2NodeClass"},
		ObjectMeta: metav1.ObjectMeta{Name: pool.Name},
		Spec: ec2NodeClassSpec{
			// Karpenter takes the variant with NVIDIA's driver for GPU types by itself.
			AMISelectorTerms: []amiTerm{{Alias: plan.NodeImage}},
			InstanceProfile:  p.InstanceProfile(),
			// By id: a tag that was just put on a subnet is not found for a while.
			SubnetSelectorTerms:        subnets,
			SecurityGroupSelectorTerms: []idTerm{{ID: f.ClusterSecurityGroupID}},
			// Images, models and scratch space share the array of all local disks.
			InstanceStorePolicy: "RAID0",
			BlockDeviceMappings: []blockDeviceMapping{{
				DeviceName: "/dev/xvda",
				EBS:        blockDevice{VolumeSize: "30Gi", VolumeType: "gp3", Encrypted: true, DeleteOnTermination: true},
			}},
			// One hop: the node reaches its credentials, pods on it do not.
			MetadataOptions: metadataOptions{HTTPEndpoint: "enabled", HTTPProtocolIPv6: "disabled", HTTPPutResponseHopLimit: 1, HTTPTokens: "required"},
			// The studio's SSM document finds nodes by these.
			Tags:     tags,
			UserData: userData(p.WithRelease(f.Image.Agent)),
		},
	}
}

// poolOf is which nodes there may be, how many, and when they go.
func poolOf(p plan.Plan, pool plan.Pool) *nodePool {
	schedule, duration := p.Workday()

	return &nodePool{
		TypeMeta: metav1.TypeMeta{APIVersion: "karpenter.sh/v1", Kind: "NodePool"},
		ObjectMeta: metav1.ObjectMeta{
			Name: pool.Name,
			// It is gone when its last node is. The provider's delete names no
			// propagation, and then the API server goes by this finalizer.
			Finalizers: []string{metav1.FinalizerDeleteDependents},
		},
		Spec: nodePoolSpec{
			Template: nodeTemplate{
				Metadata: templateMetadata{Labels: map[string]string{plan.LabelPool: pool.Name}},
				Spec: nodeSpec{
					NodeClassRef: nodeClassRef{Group: "karpenter.k8s.aws", Kind: "EC2NodeClass", Name: pool.Name},
					Requirements: []requirement{
						{Key: "kubernetes.io/arch", Operator: "In", Values: []string{"amd64"}},
						{Key: "node.kubernetes.io/instance-type", Operator: "In", Values: pool.InstanceTypes},
						{Key: "karpenter.sh/capacity-type", Operator: "In", Values: capacityTypes(pool.Purchase)},
						// Too small an instance store is avoided here, not found out by a full disk.
						{Key: "karpenter.k8s.aws/instance-local-nvme", Operator: "Gt", Values: []string{strconv.FormatInt(p.InstanceStoreGB(), 10)}},
					},
					Taints: []taint{{Key: plan.GPUResource, Value: "true", Effect: "NoSchedule"}},
					// A node that expires is drained whatever it is doing.
					ExpireAfter: "Never",
					// Bounds how long a studio takes to go.
					TerminationGracePeriod: "15m",
				},
			},
			Limits: map[string]string{plan.GPUResource: strconv.Itoa(int(pool.MaxGPUs))},
			Disruption: disruption{
				// Never moves a server to another node to save money.
				ConsolidationPolicy: "WhenEmpty",
				ConsolidateAfter:    "10m",
				Budgets: []budget{
					{Nodes: "0", Reasons: []string{"Drifted"}, Schedule: schedule, Duration: duration},
					{Nodes: "1", Reasons: []string{"Drifted"}},
				},
			},
		},
	}
}

// capacityTypes are Karpenter's words. With both it asks for spot capacity first.
func capacityTypes(purchase v1alpha1.Purchase) []string {
	switch purchase {
	case v1alpha1.PurchaseSpot:
		return []string{"spot"}
	case v1alpha1.PurchaseSpotThenOnDemand:
		return []string{"spot", "on-demand"}
	case v1alpha1.PurchaseOnDemand:
	}

	return []string{"on-demand"}
}
