package provider

import (
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

func ec2Kinds() []kind {
	vpc := cloud.Kind{Service: "ec2", Name: "VPC"}
	return []kind{{
		Kind: vpc, plural: "vpcs",
		late:    []string{"instanceTenancy"},
		fixed:   []string{"cidrBlock", "instanceTenancy"},
		settle:  11 * time.Second, // VPC Ready 12-15 s after apply
		patient: 5 * time.Minute,
	}, {
		Kind: cloud.Kind{Service: "ec2", Name: "Subnet"}, plural: "subnets",
		refs:    []reference{{field: "vpcId", to: vpc}},
		late:    []string{"availabilityZone", "privateDnsHostnameTypeOnLaunch"},
		fixed:   []string{"cidrBlock", "availabilityZone", "availabilityZoneId", "vpcId"},
		settle:  9 * time.Second, // Subnet 10 s
		patient: 20 * time.Minute,
	}}
}
