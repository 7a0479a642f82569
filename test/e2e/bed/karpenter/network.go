package karpenter

import (
	"slices"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

func ec2(kind string) cloud.Kind { return cloud.Kind{Service: "ec2", Name: kind} }

// usable tells whether a resource does its work.
func usable(r cloud.Resource) bool {
	return r.State == cloud.StateActive || r.State == cloud.StateUpdating
}

// reachesAWS tells whether a machine of the system node groups, on which
// Karpenter runs, has a way to AWS.
func (k *karpenter) reachesAWS() bool {
	for _, g := range k.AWS.List(cloud.Kind{Service: "eks", Name: "NodeGroup"}, k.Region) {
		if g.Args.String("clusterName") == k.Cluster && slices.ContainsFunc(g.Args.Strings("subnetIds"), k.wayOut) {
			return true
		}
	}

	return false
}

// wayOut tells whether a subnet has a default route to a NAT gateway that
// works: its instances have no public address. The gateway itself needs the
// internet gateway of its VPC.
func (k *karpenter) wayOut(subnet string) bool {
	table := ""

	for _, a := range k.AWS.List(ec2("RouteTableAssociation"), k.Region) {
		if a.Args.String("subnetId") == subnet && usable(a) {
			table = a.Args.String("routeTableId")
		}
	}

	if table == "" {
		return false
	}

	for _, r := range k.AWS.List(ec2("Route"), k.Region) {
		if r.Args.String("routeTableId") != table || r.Args.String("destinationCidrBlock") != "0.0.0.0/0" || !usable(r) {
			continue
		}

		for _, nat := range k.AWS.List(ec2("NATGateway"), k.Region) {
			if nat.ID == r.Args.String("natGatewayId") && usable(nat) && k.hasInternetGateway(nat.Observed().String("vpcId")) {
				return true
			}
		}
	}

	return false
}

func (k *karpenter) hasInternetGateway(vpc string) bool {
	return slices.ContainsFunc(k.AWS.List(ec2("InternetGateway"), k.Region), func(g cloud.Resource) bool {
		return g.Args.String("vpcId") == vpc && usable(g)
	})
}
