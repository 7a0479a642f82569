package v1alpha1

// Purchase is how a pool buys its GPU instances.
//
// +kubebuilder:validation:Enum=OnDemand;Spot;SpotThenOnDemand
type Purchase string

const (
	// PurchaseOnDemand buys instances that AWS does not take back.
	PurchaseOnDemand Purchase = "OnDemand"
	// PurchaseSpot buys spare capacity: cheaper, taken back with two minutes'
	// notice, and at times not to be had.
	PurchaseSpot Purchase = "Spot"
	// PurchaseSpotThenOnDemand buys spot capacity where there is some and
	// on-demand instances otherwise.
	PurchaseSpotThenOnDemand Purchase = "SpotThenOnDemand"
)

// A Pool is a GPU profile with its own ComfyUI servers.
//
// +kubebuilder:validation:XValidation:rule="self.servers.max <= self.maxGPUs",message="spec.pools[].servers.max must not exceed spec.pools[].maxGPUs, because each server holds one GPU: raise maxGPUs or lower servers.max"
type Pool struct {
	// The pool's name and identity: a DNS label of at most 32 characters. It is
	// part of the names of the pool's nodes and servers, and people choose a pool
	// by it.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="spec.pools[].name must begin with a letter and hold only a-z, 0-9 and '-': rename the pool, for example spot-batch"
	Name string `json:"name"`

	// EC2 instance types the pool may use. Each must have an NVIDIA GPU and an
	// instance store that holds all declared models. More types make it likelier
	// that AWS has one free, above all for spot.
	// +optional
	// +listType=set
	// +kubebuilder:default={"g6.2xlarge","g5.2xlarge"}
	// +kubebuilder:validation:MaxItems=20
	// +kubebuilder:validation:XValidation:rule="size(self) > 0",message="spec.pools[].instanceTypes must hold at least one type: add one, or leave the field out for g6.2xlarge and g5.2xlarge"
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=32
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^(g|p)[a-z0-9-]*[.][a-z0-9-]+$')",message="spec.pools[].instanceTypes must be EC2 types with an NVIDIA GPU, such as g6.2xlarge: give the family and the size"
	InstanceTypes []string `json:"instanceTypes,omitempty"`

	// How instances are bought. OnDemand suits people at work: a spot instance is
	// taken back with two minutes' notice, and a video job that runs longer than
	// that is lost and starts again elsewhere. Spot and SpotThenOnDemand suit
	// batches, whose prompts can run twice.
	// +optional
	// +kubebuilder:default=OnDemand
	Purchase Purchase `json:"purchase,omitempty"`

	// The most GPUs the pool may hold at any time: a hard limit for the bill,
	// which also counts nodes that start or drain.
	// +optional
	// +kubebuilder:default=4
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=512
	MaxGPUs int32 `json:"maxGPUs,omitempty"`

	// How many ComfyUI servers run.
	// +optional
	// +kubebuilder:default={min: 1, max: 1}
	Servers Servers `json:"servers,omitempty"`

	// Extra command line arguments of the pool's ComfyUI servers, one word each,
	// such as --preview-method and auto. Arguments that the studio sets itself
	// (address, port, directories, database, TLS, CORS, multi-user) are refused.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	// +kubebuilder:validation:items:XValidation:rule="!self.matches('^--(listen|port|tls-[a-z-]*|enable-cors-header|[a-z-]*directory|extra-model-paths-config|database-url|multi-user|enable-manager[a-z-]*|auto-launch|front-end-root)(=|$)')",message="spec.pools[].args must not set the address, port, directories, database, TLS, CORS, Manager or multi-user mode, which the studio sets itself: remove the argument"
	Args []string `json:"args,omitempty"`
}

// Servers is how many ComfyUI servers a pool runs. Each holds one GPU.
//
// +kubebuilder:validation:XValidation:rule="self.min <= self.max",message="spec.pools[].servers.min must not exceed spec.pools[].servers.max: raise max or lower min"
type Servers struct {
	// Servers that run while the studio is awake. With 0 the pool starts its first
	// server when somebody asks for one, which takes minutes, and stops its last
	// one when it has been idle for spec.sleep.afterIdle, or 30 minutes if that is
	// not set.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=512
	Min *int32 `json:"min,omitempty"`

	// The most servers that run when the queue is long.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=512
	Max int32 `json:"max,omitempty"`
}
