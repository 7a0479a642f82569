package karpenter

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// consolidate ends the nodes that have been empty for as long as their pool
// wants, and those that are too old.
func (k *karpenter) consolidate(ctx context.Context, w *world) error {
	errs, empty := []error{}, map[types.UID]time.Duration{}

	for _, c := range w.claims {
		pool, n := w.pool(c.Labels[labelPool]), w.node(c)
		if c.DeletionTimestamp != nil || pool == nil || n == nil || !c.conditions().is(initialized) {
			continue
		}

		if after, ok := duration(c.Spec.ExpireAfter); ok && k.clock.Now() > k.claims[c.UID].seen+after {
			errs = append(errs, k.deleteClaim(ctx, c))
			continue
		}

		if slices.ContainsFunc(w.podsOn(n.Name), reschedulable) || k.expected(w, c) {
			continue
		}

		since, known := k.empty[c.UID]
		if !known {
			since = k.clock.Now()
		}

		empty[c.UID] = since

		after, ok := duration(pool.Spec.Disruption.ConsolidateAfter)
		if !ok || k.clock.Now() < since+after || !w.budgetLeft(pool) {
			continue
		}

		k.recorder.Event(claimRef(c), corev1.EventTypeNormal, "DisruptionTerminating", "Disrupting NodeClaim: Empty")
		k.Logf("karpenter of cluster %s: disrupting nodeclaim %s: Empty", k.Cluster, c.Name)

		errs = append(errs, k.deleteClaim(ctx, c))
		// The next one in this pass counts it.
		c.DeletionTimestamp = new(metav1.Now())
	}

	k.empty = empty

	return errors.Join(errs...)
}

// expected tells whether a pod that was nominated waits for the node.
func (k *karpenter) expected(w *world, c *nodeClaim) bool {
	return slices.ContainsFunc(w.pods, func(p *corev1.Pod) bool { return p.Spec.NodeName == "" && k.nominated[p.UID] == c.Name })
}

// reschedulable pods keep a node from being empty.
func reschedulable(p *corev1.Pod) bool {
	return p.DeletionTimestamp == nil && p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed &&
		!ownedBy(p, "DaemonSet") && !ownedBy(p, "Node")
}

// budgetLeft tells whether one more empty node of a pool may go. Budgets with
// a schedule are not played.
func (w *world) budgetLeft(pool *nodePool) bool {
	total, going := 0, 0

	for _, c := range w.claims {
		if c.Labels[labelPool] == pool.Name {
			total++

			if c.DeletionTimestamp != nil {
				going++
			}
		}
	}

	for _, b := range pool.Spec.Disruption.Budgets {
		if b.Schedule != "" || len(b.Reasons) > 0 && !slices.Contains(b.Reasons, "Empty") {
			continue
		}

		percent, isPercent := strings.CutSuffix(b.Nodes, "%")

		allowed, err := strconv.Atoi(percent)
		if isPercent {
			// Rounded up, as Karpenter does.
			allowed = (allowed*total + 99) / 100
		}

		if err != nil || going >= allowed {
			return false
		}
	}

	return true
}
