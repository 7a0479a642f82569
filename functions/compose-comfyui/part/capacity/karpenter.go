package capacity

import (
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/incluster"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// karpenterValues are the chart's, as far as the studio sets them.
type karpenterValues struct {
	// FullnameOverride keeps the Deployment's name apart from the release's.
	FullnameOverride string              `json:"fullnameOverride"`
	ServiceAccount   serviceAccount      `json:"serviceAccount"`
	Replicas         int                 `json:"replicas"`
	Settings         karpenterSettings   `json:"settings"`
	Controller       karpenterController `json:"controller"`
}

type serviceAccount struct {
	Name string `json:"name"`
}

type karpenterSettings struct {
	ClusterName       string          `json:"clusterName"`
	ClusterEndpoint   string          `json:"clusterEndpoint"`
	EKSControlPlane   bool            `json:"eksControlPlane"`
	InterruptionQueue string          `json:"interruptionQueue"`
	FeatureGates      map[string]bool `json:"featureGates"`
}

type karpenterController struct {
	Env       []variable         `json:"env"`
	Resources containerResources `json:"resources"`
}

type variable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type containerResources struct {
	Requests amounts  `json:"requests"`
	Limits   *amounts `json:"limits,omitempty"`
}

type amounts struct {
	CPU    string `json:"cpu,omitempty"`
	Memory string `json:"memory"`
}

// karpenter runs on the system nodes, one pod on each. The release is ready when
// its objects are applied, custom resources among them: pools can then be made
// while it starts, and are ready when it says so.
func karpenter(p plan.Plan, f facts.Facts, d *kit.Desired) {
	g := kit.All(
		kit.Needs(f.ClusterEndpoint, "the cluster's endpoint"),
		kit.After(plan.SystemNodes, plan.AddonVPCCNI, plan.AddonPodIdentity, plan.PrivateEgress),
		kit.After(plan.KarpenterPolicy, plan.KarpenterIdentity, plan.InterruptionQueue, plan.InterruptionQueuePolicy),
	)

	d.AddWhen(g, plan.Karpenter, incluster.NewRelease(d, plan.SystemNamespace, incluster.Chart{
		Repository: "oci://public.ecr.aws/karpenter",
		Name:       "karpenter",
		Version:    plan.KarpenterVersion,
	}, karpenterValues{
		FullnameOverride: plan.KarpenterName,
		ServiceAccount:   serviceAccount{Name: plan.KarpenterName},
		// The chart spreads them over nodes and zones, and there are two of each.
		Replicas: 2,
		Settings: karpenterSettings{
			ClusterName: p.ClusterName(),
			// Nodes get it in their user data, and it saves a call.
			ClusterEndpoint:   f.ClusterEndpoint,
			EKSControlPlane:   true,
			InterruptionQueue: p.InterruptionQueueName(),
			FeatureGates: map[string]bool{
				"capacityBuffer": false, "nodeOverlay": false, "nodeRepair": false,
				// On by default; the role has no right to use reservations.
				"reservedCapacity":        false,
				"spotToSpotConsolidation": false, "staticCapacity": false,
			},
		},
		Controller: karpenterController{
			// Pods cannot ask the instance for it: the hop limit is 1.
			Env: []variable{{Name: "AWS_REGION", Value: p.RegionName}},
			Resources: containerResources{
				Requests: amounts{CPU: "250m", Memory: "512Mi"},
				Limits:   &amounts{Memory: "1Gi"},
			},
		},
	}))
}
