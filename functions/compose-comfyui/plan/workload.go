package plan

import "github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"

// What runs where in the cluster. Names in it are fixed: a cluster holds one
// studio.
const (
	// StudioNamespace is the namespace of everything of ours in the cluster.
	StudioNamespace = "comfyui"
	// FrontDoorName and ServersPrefix name Deployments and Services.
	FrontDoorName = "front-door"
	ServersPrefix = "comfyui-"
	// StatusName is the ConfigMap in which the front door tells how it goes.
	StatusName = "studio-status"
	// ServerAccountName is the service account of ComfyUI's pods.
	ServerAccountName = "comfyui"

	// TrafficNodePort and HealthNodePort are where the load balancer finds the
	// front door on every system node.
	TrafficNodePort = 30080
	HealthNodePort  = 30081
)

// Labels that pods and their owners are found by.
const (
	LabelName = "app.kubernetes.io/name"
	LabelPool = "comfyui-studio/pool"
	// NameFrontDoor and NameComfyUI are the values of LabelName.
	NameFrontDoor = "front-door"
	NameComfyUI   = "comfyui"
)

// workloadName is the name that AWS shows of a resource of part workload.
func (p Plan) workloadName(k kit.Key) string {
	switch k {
	case ServerRole:
		return p.name("server", maxRole)
	case StudioSecret:
		return ""
	}

	return ""
}
