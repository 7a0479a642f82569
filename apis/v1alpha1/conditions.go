package v1alpha1

// A ConditionType is the type of a condition that the studio reports beside
// Crossplane's own Ready and Synced. There is one for each part; all of them are
// always there, in this order.
type ConditionType string

const (
	// NetworkReady: the VPC, its subnets, routes and security groups exist.
	NetworkReady ConditionType = "NetworkReady"
	// ClusterReady: the EKS cluster is active, with its system nodes and add-ons.
	ClusterReady ConditionType = "ClusterReady"
	// CapacityReady: Karpenter runs, and every pool can get GPU nodes.
	CapacityReady ConditionType = "CapacityReady"
	// StorageReady: the buckets exist with their policies.
	StorageReady ConditionType = "StorageReady"
	// ModelSyncReady: changes in the models bucket reach every GPU node.
	ModelSyncReady ConditionType = "ModelSyncReady"
	// ImageReady: the image that the spec asks for can be pulled.
	ImageReady ConditionType = "ImageReady"
	// WorkloadReady: the front door answers, and no pool's server fails. A pool
	// that sleeps or wakes says so here; it does not make the studio unready.
	WorkloadReady ConditionType = "WorkloadReady"
	// EdgeReady: the address in status.url answers.
	EdgeReady ConditionType = "EdgeReady"
)

// ConditionTypes returns the types of all conditions, in the order in which the
// studio reports them.
func ConditionTypes() []ConditionType {
	return []ConditionType{
		NetworkReady, ClusterReady, CapacityReady, StorageReady,
		ModelSyncReady, ImageReady, WorkloadReady, EdgeReady,
	}
}

// A ConditionReason says in one word why a condition has its status. The
// condition's message names the resources and fields it is about.
type ConditionReason string

const (
	// ReasonReady: everything the part is made of is ready. Status True.
	ReasonReady ConditionReason = "Ready"
	// ReasonCreating: resources of the part are being made or changed in AWS. The
	// message names them. Status False.
	ReasonCreating ConditionReason = "Creating"
	// ReasonWaiting: resources of the part cannot be made before something else is
	// ready. The message names both. Status False.
	ReasonWaiting ConditionReason = "Waiting"
	// ReasonRemoving: resources that the spec no longer asks for are being taken
	// away, in order. The message names them. Status True: what the spec asks for
	// works.
	ReasonRemoving ConditionReason = "Removing"
	// ReasonDisabled: the spec switches the part off. Status True, since nothing is
	// missing.
	ReasonDisabled ConditionReason = "Disabled"
	// ReasonFailed: AWS refuses a resource of the part, or the part found a fault
	// that does not go away by waiting. The message holds AWS's words and what to
	// do. Status False.
	ReasonFailed ConditionReason = "Failed"
	// ReasonNoCapacity: a pool gets no GPU nodes: AWS has none free, a quota or the
	// pool's own limit is reached, or a node does not get ready. The message names
	// the pool and says what to do. Status False. For CapacityReady.
	ReasonNoCapacity ConditionReason = "NoCapacity"
	// ReasonBuilding: the image is being built. Servers keep running the previous
	// one, if there is one. Status False. For ImageReady.
	ReasonBuilding ConditionReason = "Building"
	// ReasonAsleep: every pool's servers have stopped, as spec.sleep asks. Status
	// True. For WorkloadReady.
	ReasonAsleep ConditionReason = "Asleep"
	// ReasonUnencrypted: the address answers over plain HTTP, because
	// spec.access.cdn is false and spec.access.domain is not set. Status True. For
	// EdgeReady.
	ReasonUnencrypted ConditionReason = "Unencrypted"
)
