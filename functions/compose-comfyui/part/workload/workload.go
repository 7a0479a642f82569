// Package workload composes what runs in the studio's cluster: the front door,
// which everybody comes through, and per pool the ComfyUI servers behind it. It
// also makes the studio's Secret beside the claim and brings its content to the
// front door.
//
// The Secret waits for nothing. What lies in the cluster waits for the way in;
// the front door for our own image in the account and for its identity; servers
// for the ComfyUI image, the buckets' volumes and their NodePool.
//
// How many servers run is not said here: the front door decides that, so a
// server's Deployment leaves out its replicas.
package workload

import (
	eks "github.com/upbound/provider-aws/v2/apis/namespaced/eks/v1beta1"
	iam "github.com/upbound/provider-aws/v2/apis/namespaced/iam/v1beta1"
	ssm "github.com/upbound/provider-aws/v2/apis/namespaced/ssm/v1beta1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

func init() { //nolint:gochecknoinits // composed.From finds types through a global scheme.
	kit.Register(corev1.AddToScheme)
	kit.Register(eks.AddToScheme)
	kit.Register(iam.AddToScheme)
	kit.Register(ssm.AddToScheme)
}

// Compose adds the workload.
func Compose(p plan.Plan, f facts.Facts, d *kit.Desired) {
	secret(f, d)
	parameters(p, d)
	identity(p, d)

	namespace(d)
	networkPolicies(p, d)
	volumes(p, d)

	frontDoor(p, f, d)
	access(d)
	configuration(p, d)
	status(d)

	for _, pool := range p.Pools {
		servers(p, f, pool, d)
	}

	dropped(p, d)
}

// inNamespace is the metadata of an object in the studio's namespace.
func inNamespace(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: plan.StudioNamespace, Name: name}
}

// labels find the pods of a name.
func labels(name string) map[string]string { return map[string]string{plan.LabelName: name} }

func selector(labels map[string]string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: labels}
}
