package provider

import (
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

func eksKinds() []kind {
	role := cloud.Kind{Service: "iam", Name: "Role"}
	subnet := cloud.Kind{Service: "ec2", Name: "Subnet"}
	return []kind{{
		Kind: cloud.Kind{Service: "eks", Name: "Cluster"}, plural: "clusters", naming: byObject,
		refs: []reference{
			{field: "roleArn", to: role, extract: byStatus("arn")},
			{field: "vpcConfig.subnetIds", refs: "vpcConfig.subnetIdRefs", to: subnet},
		},
		fixed:   []string{"roleArn", "accessConfig.bootstrapClusterCreatorAdminPermissions", "bootstrapSelfManagedAddons"},
		settle:  3 * time.Second, // "EKS seen ACTIVE 3 s after it was"
		timeout: 30 * time.Minute,
	}}
}
