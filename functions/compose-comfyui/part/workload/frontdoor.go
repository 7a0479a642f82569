package workload

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/incluster"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

const (
	portTraffic = "traffic"
	portHealth  = "health"
	configPath  = "/etc/studio"
)

// frontDoor runs on every system node, so that the studio answers while every GPU
// is asleep and while one of the nodes is away.
func frontDoor(p plan.Plan, f facts.Facts, d *kit.Desired) {
	// Pods that start before their association have no credentials until they are
	// started again.
	ready := kit.After(plan.FrontDoorIdentity, plan.AddonPodIdentity, plan.FrontDoorAccount, plan.FrontDoorAccessBinding,
		plan.FrontDoorConfig, plan.FrontDoorSecret, plan.FrontDoorNetworkPolicy)
	gate := kit.All(ready, kit.Until(f.Image.AgentMirrored, "our own image in the account"), kit.Needs(p.AgentImage(), "our own image"))

	d.AddWhen(gate, plan.FrontDoor, incluster.New(d, &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Namespace: plan.StudioNamespace, Name: plan.FrontDoorName, Labels: labels(plan.NameFrontDoor)},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(2)),
			Selector: selector(labels(plan.NameFrontDoor)),
			// A third one has no node to go to.
			Strategy: appsv1.DeploymentStrategy{
				Type:          appsv1.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDeployment{MaxSurge: new(intstr.FromInt32(0)), MaxUnavailable: new(intstr.FromInt32(1))},
			},
			RevisionHistoryLimit: new(int32(2)),
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels(plan.NameFrontDoor)},
				Spec:       frontDoorPod(p),
			},
		},
	}, incluster.ReadyWhen(available)))

	d.AddWhen(kit.After(plan.WorkloadNamespace), plan.FrontDoorBudget, budget(d, plan.FrontDoorName, labels(plan.NameFrontDoor)))
	frontDoorService(d)
}

// available holds when the front door answers. A field that is missing is an
// error in CEL, and an error is not ready.
const available = `has(object.status) && has(object.status.conditions) && object.status.conditions.exists(c, c.type == 'Available' && c.status == 'True')`

func frontDoorService(d *kit.Desired) {
	port := func(name string, port, node int32) corev1.ServicePort {
		return corev1.ServicePort{Name: name, Protocol: corev1.ProtocolTCP, Port: port, TargetPort: intstr.FromString(name), NodePort: node}
	}

	d.AddWhen(kit.After(plan.WorkloadNamespace), plan.FrontDoorService, incluster.New(d, &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: inNamespace(plan.FrontDoorName),
		Spec: corev1.ServiceSpec{
			Type:     corev1.ServiceTypeNodePort,
			Selector: labels(plan.NameFrontDoor),
			// A node without a front door fails the load balancer's check, and the
			// front door sees who calls.
			ExternalTrafficPolicy: corev1.ServiceExternalTrafficPolicyLocal,
			Ports: []corev1.ServicePort{
				port(portTraffic, plan.FrontDoorPort, plan.TrafficNodePort),
				port(portHealth, plan.FrontDoorHealthPort, plan.HealthNodePort),
			},
		},
	}))
}

func frontDoorPod(p plan.Plan) corev1.PodSpec {
	return corev1.PodSpec{
		ServiceAccountName: plan.FrontDoorName,
		EnableServiceLinks: new(false),
		NodeSelector:       map[string]string{"eks.amazonaws.com/nodegroup": p.ExternalName(plan.SystemNodes)},
		// Two on one node would go with it.
		TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{
			MaxSkew:           1,
			TopologyKey:       corev1.LabelHostname,
			WhenUnsatisfiable: corev1.DoNotSchedule,
			LabelSelector:     selector(labels(plan.NameFrontDoor)),
		}},
		// It goes on serving until the load balancer has noticed, then lets sockets go.
		TerminationGracePeriodSeconds: new(int64(60)),
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot:   new(true),
			RunAsUser:      new(int64(65532)),
			RunAsGroup:     new(int64(65532)),
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		Containers: []corev1.Container{{
			Name:  plan.FrontDoorName,
			Image: p.AgentImage(),
			Args:  []string{"gateway", "--config=" + configPath + "/" + configFile},
			Env: []corev1.EnvVar{
				{Name: "AWS_REGION", Value: p.RegionName},
				fromField("POD_NAME", "metadata.name"),
				fromField("POD_NAMESPACE", "metadata.namespace"),
				fromField("POD_IP", "status.podIP"),
			},
			Ports: []corev1.ContainerPort{
				{Name: portTraffic, ContainerPort: plan.FrontDoorPort, Protocol: corev1.ProtocolTCP},
				{Name: portHealth, ContainerPort: plan.FrontDoorHealthPort, Protocol: corev1.ProtocolTCP},
			},
			ReadinessProbe:  probe("/readyz", portHealth, 5, 2),
			LivenessProbe:   probe("/livez", portHealth, 10, 6),
			Resources:       resources("100m", "128Mi", "256Mi"),
			SecurityContext: contained(),
			VolumeMounts:    []corev1.VolumeMount{{Name: "config", MountPath: configPath, ReadOnly: true}},
		}},
		Volumes: []corev1.Volume{{Name: "config", VolumeSource: corev1.VolumeSource{
			ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: plan.FrontDoorName}},
		}}},
	}
}

// contained is what every container of ours runs as.
func contained() *corev1.SecurityContext {
	return &corev1.SecurityContext{
		AllowPrivilegeEscalation: new(false),
		ReadOnlyRootFilesystem:   new(true),
		Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
}

func fromField(name, path string) corev1.EnvVar {
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: path}}}
}

func probe(path, port string, period, failures int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler:     corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromString(port), Scheme: corev1.URISchemeHTTP}},
		PeriodSeconds:    period,
		TimeoutSeconds:   5,
		FailureThreshold: failures,
	}
}

// resources leave the processor without a limit: one that waits for it is slow,
// and one that is throttled fails its probes.
func resources(cpu, memory, memoryLimit string) corev1.ResourceRequirements {
	return corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)},
		Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(memoryLimit)},
	}
}

// budget lets one pod at a time be moved. What fails already may always go, or a
// node with it could never be emptied.
func budget(d *kit.Desired, name string, pods map[string]string, options ...incluster.Option) *incluster.Object {
	return incluster.New(d, &policyv1.PodDisruptionBudget{
		TypeMeta:   metav1.TypeMeta{APIVersion: "policy/v1", Kind: "PodDisruptionBudget"},
		ObjectMeta: inNamespace(name),
		Spec: policyv1.PodDisruptionBudgetSpec{
			MaxUnavailable:             new(intstr.FromInt32(1)),
			Selector:                   selector(pods),
			UnhealthyPodEvictionPolicy: new(policyv1.AlwaysAllow),
		},
	}, options...)
}
