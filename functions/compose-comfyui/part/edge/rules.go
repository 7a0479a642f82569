package edge

import (
	ec2 "github.com/upbound/provider-aws/v2/apis/namespaced/ec2/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// sources let viewers, or CloudFront for them, reach the load balancer.
func sources(p plan.Plan, f facts.Edge, d *kit.Desired) {
	wanted := map[kit.Key]bool{}

	for _, s := range p.Sources() {
		wanted[s.Key()] = true

		d.Add(s.Key(), &ec2.SecurityGroupIngressRule{Spec: ec2.SecurityGroupIngressRuleSpec{ForProvider: ec2.SecurityGroupIngressRuleParameters{
			SecurityGroupIDRef: d.Ref(plan.ALBSecurityGroup),
			PrefixListID:       optional(s.PrefixList),
			CidrIPv4:           optional(s.IPv4),
			CidrIPv6:           optional(s.IPv6),
			IPProtocol:         new("tcp"),
			FromPort:           new(float64(s.Port)),
			ToPort:             new(float64(s.Port)),
		}}})
	}

	for _, k := range d.Observed().Family(plan.LoadBalancerIns) {
		if !wanted[k] {
			leave(p, f, d, k)
		}
	}
}

// pathToNodes is what the load balancer may reach: two ports of nodes, and
// nothing else. The nodes are in the security group that EKS makes.
func pathToNodes(f facts.Facts, d *kit.Desired) {
	g := kit.Needs(f.ClusterSecurityGroupID, "the cluster's security group")

	for k, port := range map[kit.Key]int{plan.LoadBalancerOut: plan.TrafficNodePort, plan.LoadBalancerOutHealth: plan.HealthNodePort} {
		d.AddWhen(g, k, &ec2.SecurityGroupEgressRule{Spec: ec2.SecurityGroupEgressRuleSpec{ForProvider: ec2.SecurityGroupEgressRuleParameters{
			SecurityGroupIDRef:        d.Ref(plan.ALBSecurityGroup),
			ReferencedSecurityGroupID: &f.ClusterSecurityGroupID,
			IPProtocol:                new("tcp"),
			FromPort:                  new(float64(port)),
			ToPort:                    new(float64(port)),
		}}})
	}

	for k, port := range map[kit.Key]int{plan.ClusterFromLoadBalancer: plan.TrafficNodePort, plan.ClusterFromHealthCheck: plan.HealthNodePort} {
		d.AddWhen(g, k, &ec2.SecurityGroupIngressRule{Spec: ec2.SecurityGroupIngressRuleSpec{ForProvider: ec2.SecurityGroupIngressRuleParameters{
			SecurityGroupID:              &f.ClusterSecurityGroupID,
			ReferencedSecurityGroupIDRef: d.Ref(plan.ALBSecurityGroup),
			IPProtocol:                   new("tcp"),
			FromPort:                     new(float64(port)),
			ToPort:                       new(float64(port)),
		}}})
	}
}

// optional leaves a field out that has nothing to say.
func optional(s string) *string {
	if s == "" {
		return nil
	}

	return &s
}
