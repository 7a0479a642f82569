package network

import (
	"slices"

	xpv1 "github.com/crossplane/crossplane-runtime/v2/apis/common/v1"
	ec2 "github.com/upbound/provider-aws/v2/apis/namespaced/ec2/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

const anywhere = "0.0.0.0/0"

// egress is the private subnets' way out. A studio may change from one kind to
// the other: the new gateway is made, the route moves to it, the old one leaves.
func egress(p plan.Plan, f facts.Facts, d *kit.Desired) {
	if p.Network.RegionalNAT {
		regionalNAT(d)
		leave(f, d, nil, plan.NAT, plan.NATAddress, plan.PublicRoutes)
		leave(f, d, nil, d.Observed().Family(plan.PublicSubnets)...)

		// The gateway ends what still runs through it over its own way out.
		leave(f, d, []kit.Key{plan.NAT}, plan.PublicEgress)
		leave(f, d, []kit.Key{plan.NAT}, d.Observed().Family(plan.PublicSubnetTables)...)
	} else {
		singleNAT(p, d)
		leave(f, d, nil, plan.RegionalNAT)
	}

	route := &ec2.Route{Spec: ec2.RouteSpec{ForProvider: ec2.RouteParameters_2{
		RouteTableIDRef:      d.Ref(plan.PrivateRoutes),
		DestinationCidrBlock: new(anywhere),
		NATGatewayIDRef:      d.Ref(f.EgressNAT),
	}}}
	// A reference is resolved once and then kept; this one may change.
	route.Spec.ForProvider.NATGatewayIDRef.Policy = &xpv1.Policy{Resolve: new(xpv1.ResolvePolicyAlways)}
	d.Add(plan.PrivateEgress, route)
}

// singleNAT is the cheap way: one gateway in one zone, with the public subnet
// that it needs.
func singleNAT(p plan.Plan, d *kit.Desired) {
	z := p.Network.NATZone()

	d.Add(plan.PublicRoutes, routeTable(d))
	d.Add(plan.PublicEgress, &ec2.Route{Spec: ec2.RouteSpec{ForProvider: ec2.RouteParameters_2{
		RouteTableIDRef:      d.Ref(plan.PublicRoutes),
		DestinationCidrBlock: new(anywhere),
		GatewayIDRef:         d.Ref(plan.InternetGateway),
	}}})

	d.Add(plan.PublicSubnet(z.ID), subnet(d, z.ID, z.PublicCIDR))
	d.Add(plan.PublicSubnetRoutes(z.ID), association(d, plan.PublicSubnet(z.ID), plan.PublicRoutes))

	d.Add(plan.NATAddress, &ec2.EIP{Spec: ec2.EIPSpec{ForProvider: ec2.EIPParameters{
		Domain: new("vpc"),
	}}})

	// A NAT gateway without a route to the internet gateway is made and then
	// serves nobody, so nodes would start without a way out.
	d.AddWhen(kit.After(plan.PublicEgress, plan.PublicSubnetRoutes(z.ID)), plan.NAT, &ec2.NATGateway{Spec: ec2.NATGatewaySpec{ForProvider: ec2.NATGatewayParameters_2{
		ConnectivityType: new("public"),
		AllocationIDRef:  d.Ref(plan.NATAddress),
		SubnetIDRef:      d.Ref(plan.PublicSubnet(z.ID)),
	}}})
}

// regionalNAT spans the zones and brings its own addresses and routes.
func regionalNAT(d *kit.Desired) {
	d.AddWhen(kit.After(plan.InternetGateway), plan.RegionalNAT, &ec2.NATGateway{Spec: ec2.NATGatewaySpec{ForProvider: ec2.NATGatewayParameters_2{
		AvailabilityMode: new("regional"),
		ConnectivityType: new("public"),
		VPCIDRef:         d.Ref(plan.VPC),
	}}})
}

// leave lets go of the way out that is not wanted any more, once the route has
// moved away from it and users are gone.
func leave(f facts.Facts, d *kit.Desired, users []kit.Key, keys ...kit.Key) {
	if !f.EgressMoved {
		users = append(slices.Clone(users), plan.PrivateEgress)
	}

	for _, k := range keys {
		d.RemoveAfter(k, users...)
	}
}
