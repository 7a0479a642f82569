package karpenter

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The conditions of Karpenter's kinds.
const (
	ready               = "Ready"
	subnetsReady        = "SubnetsReady"
	groupsReady         = "SecurityGroupsReady"
	amisReady           = "AMIsReady"
	profileReady        = "InstanceProfileReady"
	placementReady      = "PlacementGroupReady"
	reservationsReady   = "CapacityReservationsReady"
	validationSucceeded = "ValidationSucceeded"
	classReady          = "NodeClassReady"
	registrationHealthy = "NodeRegistrationHealthy"
	launched            = "Launched"
	registered          = "Registered"
	initialized         = "Initialized"
	consolidatable      = "Consolidatable"
	drained             = "Drained"
	volumesDetached     = "VolumesDetached"
	terminating         = "InstanceTerminating"
)

// conditions are an object's, at one generation.
type conditions struct {
	list       *[]metav1.Condition
	generation int64
}

func (c conditions) set(kind string, status metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(c.list, metav1.Condition{
		Type: kind, Status: status, Reason: reason, Message: message, ObservedGeneration: c.generation,
	})
}

// yes sets a condition to true; Karpenter's reason is then the condition.
func (c conditions) yes(kind string) { c.set(kind, metav1.ConditionTrue, kind, "") }

func (c conditions) no(kind, reason, message string) {
	c.set(kind, metav1.ConditionFalse, reason, message)
}

func (c conditions) unknown(kind, reason, message string) {
	c.set(kind, metav1.ConditionUnknown, reason, message)
}

// await sets conditions that nobody has set yet.
func (c conditions) await(kinds ...string) {
	for _, k := range kinds {
		if meta.FindStatusCondition(*c.list, k) == nil {
			c.unknown(k, "AwaitingReconciliation", "object is awaiting reconciliation")
		}
	}
}

// root sums the conditions up as Ready does (operatorpkg's condition sets).
func (c conditions) root(of ...string) {
	unhealthy, failed := []string{}, false

	for _, k := range of {
		status := metav1.ConditionUnknown
		if cond := meta.FindStatusCondition(*c.list, k); cond != nil {
			status = cond.Status
		}

		if status != metav1.ConditionTrue {
			unhealthy = append(unhealthy, k+"="+string(status))
			failed = failed || status == metav1.ConditionFalse
		}
	}

	slices.Sort(unhealthy)

	switch {
	case len(unhealthy) == 0:
		c.yes(ready)
	case failed:
		c.no(ready, "UnhealthyDependents", strings.Join(unhealthy, ", "))
	default:
		c.unknown(ready, "ReconcilingDependents", strings.Join(unhealthy, ", "))
	}
}

func (c conditions) is(kind string) bool { return meta.IsStatusConditionTrue(*c.list, kind) }

func (n *nodeClaim) conditions() conditions {
	return conditions{&n.Status.Conditions, n.Generation}
}

func (n *nodeClass) conditions() conditions {
	return conditions{&n.Status.Conditions, n.Generation}
}

func (n *nodePool) conditions() conditions {
	return conditions{&n.Status.Conditions, n.Generation}
}
