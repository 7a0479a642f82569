package provider

import (
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

var (
	vpc             = cloud.Kind{Service: "ec2", Name: "VPC"}
	subnet          = cloud.Kind{Service: "ec2", Name: "Subnet"}
	internetGateway = cloud.Kind{Service: "ec2", Name: "InternetGateway"}
	eip             = cloud.Kind{Service: "ec2", Name: "EIP"}
	natGateway      = cloud.Kind{Service: "ec2", Name: "NATGateway"}
	routeTable      = cloud.Kind{Service: "ec2", Name: "RouteTable"}
	vpcEndpoint     = cloud.Kind{Service: "ec2", Name: "VPCEndpoint"}
	securityGroup   = cloud.Kind{Service: "ec2", Name: "SecurityGroup"}
)

func ec2Kinds() []kind {
	return []kind{{
		Kind: vpc, plural: "vpcs",
		late:  []string{"instanceTenancy"},
		fixed: []string{"cidrBlock", "instanceTenancy"},
		// VPC Ready 12-15 s after apply.
		settle:  10 * time.Second,
		patient: 5 * time.Minute,
	}, {
		Kind: subnet, plural: "subnets",
		refs:  []reference{{field: "vpcId", to: vpc}},
		late:  []string{"availabilityZone", "privateDnsHostnameTypeOnLaunch"},
		fixed: []string{"cidrBlock", "availabilityZone", "availabilityZoneId", "vpcId"},
		// "Subnet 10 s".
		settle:  9 * time.Second,
		patient: 20 * time.Minute,
	}, {
		Kind: internetGateway, plural: "internetgateways",
		refs:    []reference{{field: "vpcId", to: vpc}},
		patient: 20 * time.Minute,
	}, {
		Kind: eip, plural: "eips",
		// The interface of the NAT gateway: a trap for the next one.
		late: []string{"networkInterface"},
	}, {
		Kind: natGateway, plural: "natgateways",
		refs: []reference{
			{field: "allocationId", to: eip, extract: byStatus("id")},
			{field: "subnetId", to: subnet},
			{field: "vpcId", to: vpc},
		},
		late:    []string{"connectivityType", "vpcId"},
		fixed:   []string{"allocationId", "connectivityType", "subnetId", "vpcId", "availabilityMode"},
		timeout: 10 * time.Minute,
	}, {
		Kind: routeTable, plural: "routetables",
		refs: []reference{{field: "vpcId", to: vpc}}, fixed: []string{"vpcId"},
	}, {
		Kind: cloud.Kind{Service: "ec2", Name: "Route"}, plural: "routes", naming: bySpec, untagged: true,
		refs: []reference{
			{field: "gatewayId", to: internetGateway}, {field: "natGatewayId", to: natGateway}, {field: "routeTableId", to: routeTable},
		},
		fixed: []string{"routeTableId", "destinationCidrBlock"},
	}, {
		Kind: cloud.Kind{Service: "ec2", Name: "RouteTableAssociation"}, plural: "routetableassociations", untagged: true,
		refs: []reference{
			{field: "gatewayId", to: internetGateway, extract: byStatus("id")}, {field: "routeTableId", to: routeTable}, {field: "subnetId", to: subnet},
		},
		fixed: []string{"subnetId", "gatewayId"},
	}, {
		Kind: vpcEndpoint, plural: "vpcendpoints",
		refs:      []reference{{field: "vpcId", to: vpc}},
		late:      []string{"policy"},
		fixed:     []string{"vpcId", "serviceName", "vpcEndpointType"},
		documents: []string{"policy"},
		timeout:   10 * time.Minute,
	}, {
		Kind: cloud.Kind{Service: "ec2", Name: "VPCEndpointRouteTableAssociation"}, plural: "vpcendpointroutetableassociations",
		naming: bySpec, untagged: true,
		refs: []reference{
			{field: "routeTableId", to: routeTable, extract: byStatus("id")}, {field: "vpcEndpointId", to: vpcEndpoint, extract: byStatus("id")},
		},
		fixed: []string{"routeTableId", "vpcEndpointId"},
	}}
}

func securityGroupKinds() []kind {
	rule := func(name, plural string) kind {
		return kind{
			Kind: cloud.Kind{Service: "ec2", Name: name}, plural: plural, identityBug: true,
			refs:  []reference{{field: "referencedSecurityGroupId", to: securityGroup}, {field: "securityGroupId", to: securityGroup}},
			fixed: []string{"securityGroupId"},
		}
	}
	return []kind{
		{
			Kind: securityGroup, plural: "securitygroups",
			refs:    []reference{{field: "vpcId", to: vpc}},
			late:    []string{"name"},
			fixed:   []string{"vpcId", "name", "description"},
			patient: 15 * time.Minute,
		},
		rule("SecurityGroupIngressRule", "securitygroupingressrules"),
		rule("SecurityGroupEgressRule", "securitygroupegressrules"),
		{
			Kind: cloud.Kind{Service: "ec2", Name: "SecurityGroupRule"}, plural: "securitygrouprules", untagged: true,
			refs: []reference{{field: "securityGroupId", to: securityGroup}, {field: "sourceSecurityGroupId", to: securityGroup}},
			fixed: []string{
				"securityGroupId", "sourceSecurityGroupId", "type", "protocol", "fromPort", "toPort", "cidrBlocks", "prefixListIds", "self",
			},
		},
		{
			Kind: cloud.Kind{Service: "ec2", Name: "DefaultSecurityGroup"}, plural: "defaultsecuritygroups",
			refs:  []reference{{field: "vpcId", to: vpc}},
			late:  []string{"ingress", "egress"},
			fixed: []string{"vpcId"},
		},
	}
}
