// Package cluster composes the studio's EKS cluster: its roles, the control
// plane, the system nodes, the add-ons, access for people, and the way in for
// Crossplane. The control plane waits for the network's private subnets; all
// the rest waits for the cluster to be ACTIVE and is then made in parallel.
package cluster

import (
	eks "github.com/upbound/provider-aws/v2/apis/namespaced/eks/v1beta1"
	iam "github.com/upbound/provider-aws/v2/apis/namespaced/iam/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

func init() { //nolint:gochecknoinits // composed.From finds types through a global scheme.
	kit.Register(eks.AddToScheme)
	kit.Register(iam.AddToScheme)
	kit.Register(addProviderConfigs)
}

// Compose adds the cluster.
func Compose(p plan.Plan, f facts.Facts, d *kit.Desired) {
	roles(d)
	controlPlane(p, d)
	systemNodes(p, f, d)
	s3Driver(p, d)
	addons(d)
	admins(p, d)
	wayIn(p, d)
	deletionOrder(d)
}

func controlPlane(p plan.Plan, d *kit.Desired) {
	// EKS checks the role when the cluster is made, and makes interfaces with it.
	d.AddWhen(kit.After(plan.ClusterRolePolicy), plan.Cluster, &eks.Cluster{Spec: eks.ClusterSpec{ForProvider: eks.ClusterParameters{
		Version:    &p.Kubernetes.Version,
		RoleArnRef: d.Ref(plan.ClusterRole),
		AccessConfig: &eks.AccessConfigParameters{
			AuthenticationMode: new("API"),
			// Crossplane's own identity becomes admin, so that its kubeconfig works
			// at once. It cannot be changed later.
			BootstrapClusterCreatorAdminPermissions: new(true),
		},
		// The add-ons are resources of their own; EKS's self-managed copies would
		// be in their way.
		BootstrapSelfManagedAddons: new(false),
		// The default, EXTENDED, goes on at six times the price when a version's
		// support ends.
		UpgradePolicy: &eks.UpgradePolicyParameters{SupportType: new("STANDARD")},
		VPCConfig: &eks.VPCConfigParameters{
			SubnetIDRefs:          clusterSubnets(p, d),
			EndpointPrivateAccess: new(true),
			// Crossplane applies the studio's in-cluster objects from outside.
			EndpointPublicAccess: new(true),
			PublicAccessCidrs:    kit.List(p.Kubernetes.APIAllowedCIDRs...),
		},
	}}})
}

// systemNodes run what must be there while every GPU sleeps: Karpenter, DNS and
// the front door.
func systemNodes(p plan.Plan, f facts.Facts, d *kit.Desired) {
	// Without its policies or without a way out a node is launched, cannot join,
	// and the group fails half an hour later.
	ready := []kit.Key{plan.NodeRoleWorker, plan.NodeRoleCNI, plan.NodeRoleRegistry, plan.NodeRoleSSM, plan.PrivateEgress}
	for _, z := range p.Network.ClusterZones() {
		ready = append(ready, plan.PrivateSubnetRoutes(z.ID))
	}

	g := kit.All(kit.After(ready...), kit.Needs(f.ClusterVersion, "the cluster's version"))

	d.AddWhen(g, plan.SystemNodes, &eks.NodeGroup{Spec: eks.NodeGroupSpec{ForProvider: eks.NodeGroupParameters{
		ClusterNameRef: d.Ref(plan.Cluster),
		NodeRoleArnRef: d.Ref(plan.NodeRole),
		SubnetIDRefs:   clusterSubnets(p, d),
		// The version that the control plane runs, not the one it shall have: nodes
		// must never be ahead of it.
		Version:       new(f.ClusterVersion),
		AMIType:       new("AL2023_ARM_64_STANDARD"),
		InstanceTypes: kit.List("m7g.large", "m6g.large", "t4g.large"),
		ScalingConfig: &eks.ScalingConfigParameters{
			DesiredSize: new(2.0),
			MinSize:     new(2.0),
			MaxSize:     new(3.0),
		},
		UpdateConfig:     &eks.UpdateConfigParameters{MaxUnavailable: new(1.0)},
		NodeRepairConfig: &eks.NodeRepairConfigParameters{Enabled: new(true)},
	}}})
}

func deletionOrder(d *kit.Desired) {
	// Nodes drain through a control plane that is there.
	d.Use(plan.Cluster, plan.SystemNodes)

	// EKS takes its network interfaces away with its role: without the role they
	// stay, and the subnets with them.
	for _, k := range []kit.Key{plan.ClusterRole, plan.ClusterRolePolicy} {
		d.Use(k, plan.Cluster)
	}

	for _, k := range append([]kit.Key{plan.NodeRole}, nodeRolePolicies()...) {
		d.Use(k, plan.SystemNodes)
	}
}
