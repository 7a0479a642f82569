package capacity

import (
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/incluster"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// devicePluginValues are the chart's, as far as the studio sets them.
type devicePluginValues struct {
	Affinity    affinity           `json:"affinity"`
	Tolerations []toleration       `json:"tolerations"`
	Resources   containerResources `json:"resources"`
}

type affinity struct {
	NodeAffinity nodeAffinity `json:"nodeAffinity"`
}

type nodeAffinity struct {
	Required nodeSelector `json:"requiredDuringSchedulingIgnoredDuringExecution"`
}

type nodeSelector struct {
	Terms []nodeSelectorTerm `json:"nodeSelectorTerms"`
}

type nodeSelectorTerm struct {
	MatchExpressions []requirement `json:"matchExpressions"`
}

type toleration struct {
	Key      string `json:"key"`
	Operator string `json:"operator"`
	Effect   string `json:"effect"`
}

// devicePlugin tells the scheduler of GPUs. It runs on Karpenter's NVIDIA nodes:
// the labels that the chart looks for are those of a feature discovery which the
// studio does without. DRA, its successor, is for capacity that does not come
// and go (EKS user guide, "Manage NVIDIA GPU devices").
func devicePlugin(d *kit.Desired) {
	d.Add(plan.DevicePlugin, incluster.NewRelease(d, plan.SystemNamespace, incluster.Chart{
		Repository: "https://nvidia.github.io/k8s-device-plugin",
		Name:       "nvidia-device-plugin",
		Version:    plan.DevicePluginVersion,
	}, devicePluginValues{
		Affinity: affinity{NodeAffinity: nodeAffinity{Required: nodeSelector{Terms: []nodeSelectorTerm{{
			MatchExpressions: []requirement{{Key: "karpenter.k8s.aws/instance-gpu-manufacturer", Operator: "In", Values: []string{"nvidia"}}},
		}}}}},
		Tolerations: []toleration{{Key: plan.GPUResource, Operator: "Exists", Effect: "NoSchedule"}},
		Resources:   containerResources{Requests: amounts{CPU: "10m", Memory: "64Mi"}},
	}))
}
