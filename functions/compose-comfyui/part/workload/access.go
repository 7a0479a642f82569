package workload

import (
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/incluster"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

const (
	get        = "get"
	configMaps = "configmaps"
)

// access is what the front door may do in the cluster: in its own namespace only,
// and nothing with Secrets.
func access(d *kit.Desired) {
	read, write := []string{get, "list", "watch"}, []string{"update", "patch"}

	d.AddWhen(kit.After(plan.WorkloadNamespace), plan.FrontDoorAccess, incluster.New(d, &rbacv1.Role{
		TypeMeta:   metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "Role"},
		ObjectMeta: inNamespace(plan.FrontDoorName),
		Rules: []rbacv1.PolicyRule{
			// It marks a pod as busy, and which one to stop first.
			{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: append([]string{"patch"}, read...)},
			// Why a pod does not run stands in its events, Karpenter's words among them.
			{APIGroups: []string{""}, Resources: []string{"events"}, Verbs: read},
			{APIGroups: []string{"discovery.k8s.io"}, Resources: []string{"endpointslices"}, Verbs: read},
			{APIGroups: []string{"apps"}, Resources: []string{"deployments"}, Verbs: read},
			{APIGroups: []string{"apps"}, Resources: []string{"deployments/scale"}, Verbs: append([]string{get}, write...)},
			{APIGroups: []string{""}, Resources: []string{configMaps}, Verbs: read},
			{APIGroups: []string{""}, Resources: []string{configMaps}, ResourceNames: []string{plan.StatusName}, Verbs: write},
			// A name cannot bind what is not there yet.
			{APIGroups: []string{""}, Resources: []string{configMaps}, Verbs: []string{"create"}},
			{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, ResourceNames: []string{plan.FrontDoorName}, Verbs: append([]string{get}, write...)},
			{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"create"}},
		},
	}))

	d.AddWhen(kit.After(plan.FrontDoorAccess, plan.FrontDoorAccount), plan.FrontDoorAccessBinding, incluster.New(d, &rbacv1.RoleBinding{
		TypeMeta:   metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "RoleBinding"},
		ObjectMeta: inNamespace(plan.FrontDoorName),
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: plan.FrontDoorName},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: plan.StudioNamespace, Name: plan.FrontDoorName}},
	}))
}

// status brings what the front door tells to the claim. It is the front door that
// writes it, so nobody looks before one runs.
func status(d *kit.Desired) {
	d.AddWhen(kit.After(plan.FrontDoor), plan.StudioStatus, incluster.New(d, &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: inNamespace(plan.StatusName),
	}, incluster.ObserveOnly()))
}
