package plan

import (
	"time"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
)

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
	// FrontDoorPort and FrontDoorHealthPort are where the front door itself listens.
	FrontDoorPort       = 8080
	FrontDoorHealthPort = 8081
	// ServerPort is where ComfyUI listens.
	ServerPort = 8188
)

// Labels that pods and their owners are found by.
const (
	LabelName = "app.kubernetes.io/name"
	LabelPool = "comfyui-studio/pool"
	// NameFrontDoor and NameComfyUI are the values of LabelName.
	NameFrontDoor = "front-door"
	NameComfyUI   = "comfyui"
)

// What a GPU node and an image of ComfyUI look like to a server.
const (
	// NodeDirectory is on the node's instance store. The daemon that keeps models
	// in step makes it, and there is none on a node whose store is not mounted.
	NodeDirectory = "/mnt/k8s-disks/0/comfyui"
	// NodeStatusPrefix is where nodes say in the artefact bucket how their models are.
	// The models bucket would tell its nodes of that.
	NodeStatusPrefix = "nodes/"
	// ModelsReady is there when the directory has been equal to the bucket once.
	ModelsReady = NodeDirectory + "/.ready"

	// ComfyUIDirectory is where an image holds ComfyUI: main.py, and models below
	// it, which the node's are mounted over.
	ComfyUIDirectory = "/opt/comfyui"
	// ServerUID is the user and group of ComfyUI, and who owns what it mounts. It is
	// nobody's on the node: 1000 is ec2-user there, who may become root.
	ServerUID = 10001

	// ServerGrace is how long a server that shall stop may take to finish what is
	// queued. It is shorter than what Karpenter gives the node.
	ServerGrace = 14 * time.Minute
)

// A Parameter is a secret on its way to the front door: an encrypted parameter
// of Systems Manager.
type Parameter string

// The parameters there are.
const (
	ParameterFrontDoor Parameter = "front-door"
	ParameterTokens    Parameter = "api-tokens"
	ParameterOIDC      Parameter = "oidc-client-secret"
)

// Parameters are all of them.
func Parameters() []Parameter {
	return []Parameter{ParameterFrontDoor, ParameterTokens, ParameterOIDC}
}

// ParameterName is a parameter's name. It begins with our own word, since AWS
// refuses names that begin with aws or ssm, and a claim may.
func (p Plan) ParameterName(what Parameter) string {
	return "/" + TagStudio + "/" + p.name(string(what), maxObjectName)
}

// ParameterARN is a parameter's ARN, or empty until the account is known.
func (p Plan) ParameterARN(what Parameter) string {
	if p.Account == "" {
		return ""
	}

	return "arn:aws:ssm:" + p.RegionName + ":" + p.Account + ":parameter" + p.ParameterName(what)
}

// workloadName is the name that AWS shows of a resource of part workload.
func (p Plan) workloadName(k kit.Key) string {
	switch k {
	case FrontDoorRole:
		return p.name("front-door", maxRole)
	case FrontDoorSecret:
		return p.ParameterName(ParameterFrontDoor)
	case FrontDoorTokens:
		return p.ParameterName(ParameterTokens)
	case FrontDoorOIDC:
		return p.ParameterName(ParameterOIDC)
	}

	return ""
}
