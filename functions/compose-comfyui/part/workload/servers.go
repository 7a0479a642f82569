package workload

import (
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/incluster"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// Annotations of a pool's Deployment that bound what the front door runs.
const (
	annotationMin = "comfyui-studio/min-servers"
	annotationMax = "comfyui-studio/max-servers"
)

// servers are a pool's ComfyUI servers, each with one GPU.
//
// They wait for their NodePool although a pod could wait for its node: a
// Deployment is there only while what takes its nodes away again is there too.
// Their Objects take them out of the cluster when they leave, the Service and the
// budget too: a pool that the spec drops leaves nothing behind.
func servers(p plan.Plan, f facts.Facts, pool plan.Pool, d *kit.Desired) {
	name, pods := plan.ServersPrefix+pool.Name, poolLabels(pool)

	ready := kit.After(plan.NodePool(pool.Name), plan.ServerAccount, plan.DenyAll, plan.ServerNetworkPolicy,
		plan.VolumeClaim(plan.Inputs), plan.VolumeClaim(plan.Outputs), plan.AddonMountpointS3)
	gate := kit.All(ready,
		kit.Needs(f.Image.URI, "the ComfyUI image"),
		kit.Until(f.Image.AgentMirrored, "our own image in the account"), kit.Needs(p.AgentImage(), "our own image"))

	d.AddWhen(gate, plan.Servers(pool.Name), incluster.New(d, &appsv1.Deployment{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Namespace: plan.StudioNamespace, Name: name, Labels: pods, Annotations: map[string]string{
			annotationMin: strconv.Itoa(int(pool.MinServers)),
			annotationMax: strconv.Itoa(int(pool.MaxServers)),
		}},
		Spec: appsv1.DeploymentSpec{
			// No replicas: the front door owns them. Left out they are 1 to begin with,
			// which makes the pool's first server.
			Selector: selector(pods),
			// A server beside the one that it replaces would need a GPU more.
			Strategy: appsv1.DeploymentStrategy{
				Type:          appsv1.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDeployment{MaxSurge: new(intstr.FromInt32(0)), MaxUnavailable: new(intstr.FromInt32(1))},
			},
			// One after the other, each with its grace and a new node's start.
			ProgressDeadlineSeconds: new(int32(3600)),
			RevisionHistoryLimit:    new(int32(2)),
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: pods},
				Spec:       serverPod(p, f, pool),
			},
		},
	}, incluster.Owned()))

	after := kit.After(plan.Servers(pool.Name))
	d.AddWhen(after, plan.ServersBudget(pool.Name), budget(d, name, pods, incluster.Owned()))
	d.AddWhen(after, plan.ServersService(pool.Name), incluster.New(d, &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Namespace: plan.StudioNamespace, Name: name, Labels: pods},
		Spec: corev1.ServiceSpec{
			// The front door chooses the server itself: queue and history live in one.
			ClusterIP: corev1.ClusterIPNone,
			Selector:  pods,
			Ports: []corev1.ServicePort{{
				Name: portHTTP, Protocol: corev1.ProtocolTCP, Port: plan.ServerPort, TargetPort: intstr.FromString(portHTTP),
			}},
		},
	}, incluster.Owned()))

	// The NodePool is what holds up the way into the cluster when the studio goes.
	for _, k := range []kit.Key{plan.ServersService(pool.Name), plan.ServersBudget(pool.Name)} {
		d.Use(plan.NodePool(pool.Name), k)
	}
}

func poolLabels(pool plan.Pool) map[string]string {
	l := labels(plan.NameComfyUI)
	l[plan.LabelPool] = pool.Name

	return l
}

// dropped lets what is left of a pool go that the spec no longer has: servers
// first, then what leads to them.
func dropped(p plan.Plan, d *kit.Desired) {
	wanted := map[string]bool{}
	for _, pool := range p.Pools {
		wanted[pool.Name] = true
	}

	leave := func(family string, users func(pool string) []kit.Key) {
		for _, k := range d.Observed().Family(family) {
			if pool := strings.TrimPrefix(string(k), family); !wanted[pool] {
				d.RemoveAfter(k, users(pool)...)
			}
		}
	}

	leave(plan.AllServers, func(string) []kit.Key { return nil })

	afterServers := func(pool string) []kit.Key { return []kit.Key{plan.Servers(pool)} }
	leave(plan.AllServersServices, afterServers)
	leave(plan.AllServersBudgets, afterServers)
}
