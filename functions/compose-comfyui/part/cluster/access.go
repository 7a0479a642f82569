package cluster

import (
	xpv1 "github.com/crossplane/crossplane-runtime/v2/apis/common/v1"
	eks "github.com/upbound/provider-aws/v2/apis/namespaced/eks/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

const clusterAdmin = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"

// admins lets the claim's principals in, and shuts those out that it dropped.
func admins(p plan.Plan, d *kit.Desired) {
	wanted := map[kit.Key]bool{}

	for _, arn := range p.Kubernetes.AdminPrincipals {
		entry, admin := plan.AdminEntry(arn), plan.AdminPolicy(arn)
		wanted[entry], wanted[admin] = true, true

		d.Add(entry, &eks.AccessEntry{Spec: eks.AccessEntrySpec{ForProvider: eks.AccessEntryParameters{
			ClusterNameRef: d.Ref(plan.Cluster),
			PrincipalArn:   &arn,
			Type:           new("STANDARD"),
		}}})

		// The association names the principal, not the entry, and is refused
		// before the entry is there.
		d.AddWhen(kit.After(entry), admin, &eks.AccessPolicyAssociation{Spec: eks.AccessPolicyAssociationSpec{ForProvider: eks.AccessPolicyAssociationParameters{
			ClusterNameRef: d.Ref(plan.Cluster),
			PrincipalArn:   &arn,
			PolicyArn:      new(clusterAdmin),
			AccessScope:    &eks.AccessScopeParameters{Type: new("cluster")},
		}}})
	}

	for _, k := range d.Observed().Family(plan.AdminPolicies) {
		if !wanted[k] {
			d.RemoveAfter(k)
		}
	}

	for _, k := range d.Observed().Family(plan.AdminEntries) {
		if !wanted[k] {
			d.RemoveAfter(k, plan.AdminPolicyOf(k))
		}
	}
}

// wayIn is how provider-kubernetes and provider-helm reach the cluster.
func wayIn(p plan.Plan, d *kit.Desired) {
	auth := &eks.ClusterAuth{Spec: eks.ClusterAuthSpec{ForProvider: eks.ClusterAuthParameters{
		ClusterNameRef: d.Ref(plan.Cluster),
	}}}
	auth.SetWriteConnectionSecretToReference(&xpv1.LocalSecretReference{Name: p.KubeconfigSecret()})
	d.Add(plan.ClusterAuth, auth)

	credentials := providerCredentials{
		Source:    "Secret",
		SecretRef: secretKey{Namespace: p.Namespace, Name: p.KubeconfigSecret(), Key: "kubeconfig"},
	}

	// Not before the Secret is there: a provider that finds none backs off.
	d.AddWhen(kit.After(plan.ClusterAuth), plan.KubernetesProvider, &KubernetesProviderConfig{Spec: providerConfigSpec{Credentials: credentials}})
	d.AddWhen(kit.After(plan.ClusterAuth), plan.HelmProvider, &HelmProviderConfig{Spec: providerConfigSpec{Credentials: credentials}})
}
