package plan

import (
	"strings"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
)

// The keys of part capacity: Karpenter with its identity, the role and profile
// of GPU nodes, the queue that tells of interruptions, and per pool what
// Karpenter makes nodes from.
const (
	KarpenterRole     kit.Key = "capacity-karpenter-role"
	KarpenterPolicy   kit.Key = "capacity-karpenter-policy"
	KarpenterIdentity kit.Key = "capacity-karpenter-identity"
	Karpenter         kit.Key = "capacity-karpenter"
	DevicePlugin      kit.Key = "capacity-device-plugin"

	GPUNodeRole         kit.Key = "capacity-node-role"
	GPUNodeRoleWorker   kit.Key = "capacity-node-role-worker"
	GPUNodeRoleCNI      kit.Key = "capacity-node-role-cni"
	GPUNodeRoleRegistry kit.Key = "capacity-node-role-registry"
	GPUNodeRoleSSM      kit.Key = "capacity-node-role-ssm"
	GPUNodeRoleModels   kit.Key = "capacity-node-role-models"
	GPUNodeProfile      kit.Key = "capacity-node-profile"
	GPUNodeEntry        kit.Key = "capacity-node-entry"

	InterruptionQueue       kit.Key = "capacity-queue"
	InterruptionQueuePolicy kit.Key = "capacity-queue-policy"

	familyInterruptionRule   = "capacity-rule-"
	familyInterruptionTarget = "capacity-target-"
	familyNodeClass          = "capacity-node-class-"
	familyNodePool           = "capacity-node-pool-"
)

// An Interruption is a kind of event that Karpenter drains nodes for.
type Interruption string

// The interruptions that Karpenter acts upon. Rebalance recommendations are only
// recorded by it, so they are not sent.
const (
	InterruptionHealth   Interruption = "health"
	InterruptionSpot     Interruption = "spot"
	InterruptionState    Interruption = "state"
	InterruptionCapacity Interruption = "capacity"
)

// Interruptions are all of them.
func Interruptions() []Interruption {
	return []Interruption{InterruptionHealth, InterruptionSpot, InterruptionState, InterruptionCapacity}
}

// InterruptionRule matches an interruption's events.
func InterruptionRule(i Interruption) kit.Key { return kit.Key(familyInterruptionRule + string(i)) }

// InterruptionTarget sends them to the queue.
func InterruptionTarget(i Interruption) kit.Key { return kit.Key(familyInterruptionTarget + string(i)) }

// NodeClass is a pool's EC2NodeClass.
func NodeClass(pool string) kit.Key { return kit.Key(familyNodeClass + pool) }

// NodePool is a pool's NodePool.
func NodePool(pool string) kit.Key { return kit.Key(familyNodePool + pool) }

// Families that a part looks through for what the spec has dropped.
const (
	NodeClasses = familyNodeClass
	NodePools   = familyNodePool
)

func capacityKeys() []kit.Key {
	out := []kit.Key{
		KarpenterRole, KarpenterPolicy, KarpenterIdentity, Karpenter, DevicePlugin,
		GPUNodeRole, GPUNodeRoleWorker, GPUNodeRoleCNI, GPUNodeRoleRegistry, GPUNodeRoleSSM, GPUNodeRoleModels,
		GPUNodeProfile, GPUNodeEntry, InterruptionQueue, InterruptionQueuePolicy,
	}
	for _, i := range Interruptions() {
		out = append(out, InterruptionRule(i), InterruptionTarget(i))
	}

	return out
}

func capacityFamilies() []string { return []string{familyNodeClass, familyNodePool} }

// PoolOf is the pool that an EC2NodeClass or a NodePool belongs to.
func PoolOf(k kit.Key) string {
	for _, family := range capacityFamilies() {
		if name, ok := strings.CutPrefix(string(k), family); ok {
			return name
		}
	}

	return ""
}
