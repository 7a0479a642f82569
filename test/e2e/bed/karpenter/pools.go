package karpenter

import (
	"context"
	"errors"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// pools keeps the status of the NodePools.
func (k *karpenter) pools(ctx context.Context, w *world) error {
	errs := []error{}

	for _, p := range w.pools {
		before := p.Status
		before.Conditions = slices.Clone(p.Status.Conditions)
		conds := p.conditions()
		conds.await(validationSucceeded, classReady)
		conds.yes(validationSucceeded)

		switch class := w.class(p.Spec.Template.Spec.NodeClassRef.Name); {
		case class == nil:
			conds.no(classReady, "NodeClassNotFound", "NodeClass not found on cluster")
		case class.DeletionTimestamp != nil:
			conds.no(classReady, "NodeClassTerminating", "NodeClass is Terminating")
		default:
			conds.mirror(class)
		}

		if slices.ContainsFunc(w.claims, func(c *nodeClaim) bool { return c.Labels[labelPool] == p.Name && c.conditions().is(registered) }) {
			conds.yes(registrationHealthy)
		} else if meta.FindStatusCondition(p.Status.Conditions, registrationHealthy) == nil {
			conds.unknown(registrationHealthy, "AwaitingReconciliation", "object is awaiting reconciliation")
		}

		conds.root(validationSucceeded, classReady)

		usage := w.usage(p)
		nodes := usage["nodes"]
		p.Status.Nodes = new(nodes.Value())
		p.Status.Resources = corev1.ResourceList{"nodes": nodes}

		for _, c := range w.claims {
			if c.Labels[labelPool] == p.Name && w.node(c) != nil {
				add(p.Status.Resources, c.Status.Capacity)
			}
		}

		errs = append(errs, k.writeStatus(ctx, nodePools(), p.Name, before, p.Status))
	}

	return errors.Join(errs...)
}

// mirror says of a pool what its class says of itself.
func (c conditions) mirror(class *nodeClass) {
	r := meta.FindStatusCondition(class.Status.Conditions, ready)

	switch {
	case r == nil || r.Status == metav1.ConditionUnknown:
		c.no(classReady, "NodeClassReadinessUnknown", "Node Class Readiness Unknown")
	case r.Status == metav1.ConditionFalse:
		c.no(classReady, r.Reason, r.Message)
	default:
		c.yes(classReady)
	}
}
