// Package network composes the studio's VPC: private subnets for nodes in every
// usable zone, one way out, a gateway endpoint that keeps S3 traffic off it, and
// the load balancer's security group. Wave 0: it waits for nothing but itself.
package network

import (
	ec2 "github.com/upbound/provider-aws/v2/apis/namespaced/ec2/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

func init() { //nolint:gochecknoinits // composed.From finds types through a global scheme.
	kit.Register(ec2.AddToScheme)
}

// Compose adds the network.
func Compose(p plan.Plan, f facts.Facts, d *kit.Desired) {
	vpc(p, d)
	securityGroups(d)
	privateSubnets(p, d)
	egress(p, f, d)
	s3Endpoint(p, d)
}

func vpc(p plan.Plan, d *kit.Desired) {
	d.Add(plan.VPC, &ec2.VPC{Spec: ec2.VPCSpec{ForProvider: ec2.VPCParameters_2{
		CidrBlock: &p.Network.CIDR,
		// EKS needs both: nodes register under their private DNS name.
		EnableDNSHostnames: new(true),
		EnableDNSSupport:   new(true),
	}}})

	// A VPC origin asks for an internet gateway although no traffic of its own
	// passes it, so it is there whichever way out was chosen.
	d.Add(plan.InternetGateway, &ec2.InternetGateway{Spec: ec2.InternetGatewaySpec{ForProvider: ec2.InternetGatewayParameters_2{
		VPCIDRef: d.Ref(plan.VPC),
	}}})
}

func securityGroups(d *kit.Desired) {
	// No rules given means that all are taken away: whatever is launched without
	// a group of its own reaches nothing and is reached by nothing.
	d.Add(plan.DefaultSecurityGroup, &ec2.DefaultSecurityGroup{Spec: ec2.DefaultSecurityGroupSpec{ForProvider: ec2.DefaultSecurityGroupParameters{
		VPCIDRef: d.Ref(plan.VPC),
	}}})

	// Alone in its group, because CloudFront's prefix list weighs 55 of the 60
	// rules that a group may have. Its rules come with the load balancer.
	d.Add(plan.ALBSecurityGroup, &ec2.SecurityGroup{Spec: ec2.SecurityGroupSpec{ForProvider: ec2.SecurityGroupParameters_2{
		Name: new("load-balancer"),
		// EC2 refuses an apostrophe here.
		Description: new("Load balancer of the studio"),
		VPCIDRef:    d.Ref(plan.VPC),
	}}})
}

func privateSubnets(p plan.Plan, d *kit.Desired) {
	d.Add(plan.PrivateRoutes, routeTable(d))

	for _, z := range p.Network.Zones {
		d.Add(plan.PrivateSubnet(z.ID), subnet(d, z.ID, z.PrivateCIDR))
		d.Add(plan.PrivateSubnetRoutes(z.ID), association(d, plan.PrivateSubnet(z.ID), plan.PrivateRoutes))

		// An association that has to outlive the nodes must not find its subnet gone:
		// AWS gives up an empty one at once.
		d.Use(plan.PrivateSubnet(z.ID), plan.PrivateSubnetRoutes(z.ID))
	}
}

// s3Endpoint is free, and it carries the models and the image layers too: both
// lie in S3.
func s3Endpoint(p plan.Plan, d *kit.Desired) {
	d.Add(plan.S3Endpoint, &ec2.VPCEndpoint{Spec: ec2.VPCEndpointSpec{ForProvider: ec2.VPCEndpointParameters_2{
		VPCIDRef:        d.Ref(plan.VPC),
		ServiceName:     new("com.amazonaws." + p.RegionName + ".s3"),
		VPCEndpointType: new("Gateway"),
	}}})

	d.Add(plan.S3EndpointRoutes, &ec2.VPCEndpointRouteTableAssociation{Spec: ec2.VPCEndpointRouteTableAssociationSpec{ForProvider: ec2.VPCEndpointRouteTableAssociationParameters{
		VPCEndpointIDRef: d.Ref(plan.S3Endpoint),
		RouteTableIDRef:  d.Ref(plan.PrivateRoutes),
	}}})
}

func subnet(d *kit.Desired, zoneID, cidr string) *ec2.Subnet {
	return &ec2.Subnet{Spec: ec2.SubnetSpec{ForProvider: ec2.SubnetParameters_2{
		VPCIDRef: d.Ref(plan.VPC),
		// By id: the letter of a zone means another place in another account.
		AvailabilityZoneID: &zoneID,
		CidrBlock:          &cidr,
	}}}
}

func routeTable(d *kit.Desired) *ec2.RouteTable {
	return &ec2.RouteTable{Spec: ec2.RouteTableSpec{ForProvider: ec2.RouteTableParameters_2{VPCIDRef: d.Ref(plan.VPC)}}}
}

func association(d *kit.Desired, subnet, table kit.Key) *ec2.RouteTableAssociation {
	return &ec2.RouteTableAssociation{Spec: ec2.RouteTableAssociationSpec{ForProvider: ec2.RouteTableAssociationParameters{
		SubnetIDRef:     d.Ref(subnet),
		RouteTableIDRef: d.Ref(table),
	}}}
}
