package provider

import (
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

var eksCluster = cloud.Kind{Service: "eks", Name: "Cluster"}

func eksKinds() []kind {
	return []kind{{
		Kind: eksCluster, plural: "clusters", naming: byObject,
		refs: []reference{
			{field: "roleArn", to: role, extract: arn},
			{field: "vpcConfig.securityGroupIds", refs: "vpcConfig.securityGroupIdRefs", to: securityGroup},
			{field: "vpcConfig.subnetIds", refs: "vpcConfig.subnetIdRefs", to: subnet},
		},
		fixed: []string{"roleArn", "accessConfig.bootstrapClusterCreatorAdminPermissions", "bootstrapSelfManagedAddons"},
		// "EKS seen ACTIVE 3 s after it was".
		settle:  3 * time.Second,
		timeout: 30 * time.Minute,
	}, {
		Kind: cloud.Kind{Service: "eks", Name: "NodeGroup"}, plural: "nodegroups", naming: byObject,
		refs: []reference{
			{field: "clusterName", to: eksCluster, extract: ifActive},
			{field: "nodeRoleArn", to: role, extract: arn},
			{field: "subnetIds", refs: "subnetIdRefs", to: subnet},
		},
		late:    []string{"diskSize"},
		fixed:   []string{"clusterName", "nodeRoleArn", "subnetIds", "amiType", "capacityType", "diskSize", "instanceTypes"},
		timeout: time.Hour,
	}, {
		// clusterNameRef is the cluster's external name: it does not wait.
		Kind: cloud.Kind{Service: "eks", Name: "Addon"}, plural: "addons", naming: bySpec,
		refs: []reference{
			{field: "clusterName", to: eksCluster}, {field: "serviceAccountRoleArn", to: role, extract: arn},
		},
		late:  []string{"addonVersion"},
		fixed: []string{"addonName", "clusterName"},
	}, {
		Kind: cloud.Kind{Service: "eks", Name: "ClusterAuth"}, plural: "clusterauths", naming: byObject, untagged: true, refresh: true,
		refs: []reference{{field: "clusterName", to: eksCluster, extract: ifActive}},
	}, {
		Kind: cloud.Kind{Service: "eks", Name: "AccessEntry"}, plural: "accessentries", naming: bySpec,
		refs: []reference{
			{field: "clusterName", to: eksCluster, extract: byStatus("id")},
			{field: "principalArn", ref: "principalArnFromRoleRef", to: role, extract: arn},
		},
		late:  []string{"kubernetesGroups", "userName"},
		fixed: []string{"clusterName", "principalArn", "type"},
	}, {
		Kind: cloud.Kind{Service: "eks", Name: "AccessPolicyAssociation"}, plural: "accesspolicyassociations", naming: bySpec, untagged: true,
		refs: []reference{
			{field: "clusterName", to: eksCluster, extract: byStatus("id")},
			{field: "principalArn", to: cloud.Kind{Service: "eks", Name: "AccessEntry"}, extract: byStatus("principalArn")},
		},
		fixed: []string{"clusterName", "principalArn", "policyArn", "accessScope"},
	}, {
		// Nor does this clusterNameRef wait.
		Kind: cloud.Kind{Service: "eks", Name: "PodIdentityAssociation"}, plural: "podidentityassociations",
		refs: []reference{
			{field: "clusterName", to: eksCluster},
			{field: "roleArn", to: role, extract: arn},
			{field: "targetRoleArn", to: role, extract: arn},
		},
		fixed: []string{"clusterName", "namespace", "serviceAccount"},
	}}
}
