package karpenter

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// A plan is a NodeClaim to be made, with what it could still become.
type plan struct {
	pool      *nodePool
	offerings []offering
	requests  corev1.ResourceList
	pods      []*corev1.Pod
}

// provision makes NodeClaims for the pods that the scheduler gave up on.
func (k *karpenter) provision(ctx context.Context, w *world) error {
	k.forget(w)

	plans, errs := []*plan{}, []error{}
	// Room that pods take in this pass is not there for the next.
	taken := map[string]corev1.ResourceList{}

	for _, p := range w.pods {
		if !provisionable(p) || k.nominated[p.UID] != "" || k.hasRoom(w, p, taken) ||
			slices.ContainsFunc(plans, func(pl *plan) bool { return k.joins(pl, p) }) {
			continue
		}

		pl, why := k.newPlan(w, p, plans)
		if pl == nil {
			k.recorder.Eventf(p, corev1.EventTypeWarning, "FailedScheduling", "Failed to schedule pod, %s", why)
			continue
		}

		plans = append(plans, pl)
	}

	for _, pl := range plans {
		errs = append(errs, k.createClaim(ctx, pl))
	}

	return errors.Join(errs...)
}

// forget drops nominations whose pod or claim is gone, or whose pod runs.
func (k *karpenter) forget(w *world) {
	waiting := map[types.UID]string{}

	for _, p := range w.pods {
		claim := k.nominated[p.UID]
		if claim != "" && provisionable(p) && slices.ContainsFunc(w.claims, func(c *nodeClaim) bool { return c.Name == claim && c.DeletionTimestamp == nil }) {
			waiting[p.UID] = claim
		}
	}

	k.nominated = waiting
}

// provisionable pods were seen by the scheduler, which found no node.
func provisionable(p *corev1.Pod) bool {
	return p.Spec.NodeName == "" && p.Status.NominatedNodeName == "" && p.DeletionTimestamp == nil && !ownedBy(p, "DaemonSet") && !ownedBy(p, "Node") &&
		slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
			return c.Type == corev1.PodScheduled && c.Reason == corev1.PodReasonUnschedulable
		})
}

func ownedBy(p *corev1.Pod, kind string) bool {
	return slices.ContainsFunc(p.OwnerReferences, func(o metav1.OwnerReference) bool { return o.Kind == kind })
}

// hasRoom tells whether a pod fits on a node there is, or on one that comes.
func (k *karpenter) hasRoom(w *world, p *corev1.Pod, taken map[string]corev1.ResourceList) bool {
	return k.fitsNode(w, p, taken) || k.fitsClaim(w, p, taken)
}

func (k *karpenter) fitsNode(w *world, p *corev1.Pod, taken map[string]corev1.ResourceList) bool {
	for _, n := range w.nodes {
		if n.DeletionTimestamp != nil || n.Spec.Unschedulable || !podFits(p, n.Labels) || !tolerates(p, n.Spec.Taints) {
			continue
		}

		free := n.Status.Allocatable.DeepCopy()
		if c := w.claimOf(n); c != nil && n.Labels[labelInitialized] == "" {
			// What a device plugin registers is expected until it does.
			atLeast(free, c.Status.Allocatable)
		}

		for _, on := range w.podsOn(n.Name) {
			subtract(free, requests(on))
		}

		if k.take(n.Name, p, free, taken) {
			return true
		}
	}

	return false
}

// fitsClaim nominates a pod for a NodeClaim whose node is on its way.
func (k *karpenter) fitsClaim(w *world, p *corev1.Pod, taken map[string]corev1.ResourceList) bool {
	for _, c := range w.claims {
		if c.DeletionTimestamp != nil || w.node(c) != nil || c.Status.ProviderID == "" || !podFits(p, c.Labels) || !tolerates(p, c.Spec.Taints) {
			continue
		}

		free := c.Status.Allocatable.DeepCopy()
		for _, on := range w.pods {
			if k.nominated[on.UID] == c.Name {
				subtract(free, requests(on))
			}
		}

		if k.take(c.Name, p, free, taken) {
			k.nominated[p.UID] = c.Name
			return true
		}
	}

	return false
}

func (k *karpenter) take(where string, p *corev1.Pod, free corev1.ResourceList, taken map[string]corev1.ResourceList) bool {
	if taken[where] == nil {
		taken[where] = corev1.ResourceList{}
	}

	subtract(free, taken[where])

	r := requests(p)
	if !within(r, free) {
		return false
	}

	add(taken[where], r)

	return true
}

func (w *world) claimOf(n *corev1.Node) *nodeClaim {
	for _, c := range w.claims {
		if c.Status.ProviderID != "" && c.Status.ProviderID == n.Spec.ProviderID {
			return c
		}
	}

	return nil
}

// joins adds a pod to a planned NodeClaim if a machine is left that holds all.
func (k *karpenter) joins(pl *plan, p *corev1.Pod) bool {
	sum := pl.requests.DeepCopy()
	add(sum, requests(p))

	left := k.fitting(pl.pool, pl.offerings, p, sum)
	if len(left) == 0 || !tolerates(p, pl.pool.Spec.Template.Spec.Taints) {
		return false
	}

	pl.offerings, pl.requests, pl.pods = left, sum, append(pl.pods, p)

	return true
}

// newPlan finds the first pool, by weight, that can make a node for a pod.
func (k *karpenter) newPlan(w *world, p *corev1.Pod, planned []*plan) (pl *plan, why string) {
	pools := slices.Clone(w.pools)
	slices.SortStableFunc(pools, func(a, b *nodePool) int { return int(b.Spec.Weight - a.Spec.Weight) })

	reasons := []string{}

	for _, pool := range pools {
		switch class := w.class(pool.Spec.Template.Spec.NodeClassRef.Name); {
		case pool.DeletionTimestamp != nil || class == nil || class.DeletionTimestamp != nil || !class.conditions().is(ready):
			continue // Ignored without a word.
		case !tolerates(p, pool.Spec.Template.Spec.Taints):
			reasons = append(reasons, fmt.Sprintf("did not tolerate taints of nodepool %q", pool.Name))
		default:
			sum := requests(p)

			fitting := k.fitting(pool, k.offerings(pool, class), p, sum)
			if len(fitting) == 0 {
				reasons = append(reasons, fmt.Sprintf("incompatible with nodepool %q, no instance type met all requirements or had the required offering, requirements=%s", pool.Name, spell(pool.Spec.Template.Spec.Requirements)))
				break
			}

			within := k.withinLimits(w, pool, fitting, planned)
			if len(within) > 0 {
				return &plan{pool, within, sum, []*corev1.Pod{p}}, ""
			}

			reasons = append(reasons, fmt.Sprintf("all available instance types exceed limits for nodepool: %q", pool.Name))
		}
	}

	if len(reasons) == 0 {
		return nil, "no nodepools found"
	}

	return nil, strings.Join(reasons, "; ")
}

func spell(rs []requirement) string {
	out := []string{}
	for _, r := range rs {
		out = append(out, strings.TrimSpace(r.Key+" "+r.Operator+" ["+strings.Join(r.Values, " ")+"]"))
	}

	return strings.Join(out, ", ")
}

// createClaim makes the NodeClaim of a plan and nominates its pods.
func (k *karpenter) createClaim(ctx context.Context, pl *plan) error {
	pool := pl.pool
	spec := pool.Spec.Template.Spec
	names := []string{}

	for _, o := range pl.offerings {
		if !slices.Contains(names, o.name) {
			names = append(names, o.name)
		}
	}

	spec.Requirements = append(slices.DeleteFunc(slices.Clone(spec.Requirements), func(r requirement) bool {
		return r.Key == corev1.LabelInstanceTypeStable
	}), requirement{corev1.LabelInstanceTypeStable, "In", names}, requirement{labelPool, "In", []string{pool.Name}})

	claim := nodeClaim{}
	claim.Spec.nodeSpec = spec
	claim.Spec.Resources.Requests = pl.requests

	content, err := toMap(claim)
	if err != nil {
		return err
	}

	delete(content, "status")

	u := &unstructured.Unstructured{Object: content}
	u.SetAPIVersion(group + "/v1")
	u.SetKind("NodeClaim")
	u.SetGenerateName(pool.Name + "-")
	u.SetLabels(maps.Clone(pool.Spec.Template.Metadata.Labels))
	u.SetLabels(merged(u.GetLabels(), map[string]string{labelPool: pool.Name, labelClass: spec.NodeClassRef.Name}))
	u.SetAnnotations(pool.Spec.Template.Metadata.Annotations)
	u.SetFinalizers([]string{finalizer})
	u.SetOwnerReferences([]metav1.OwnerReference{{
		APIVersion: group + "/v1", Kind: "NodePool", Name: pool.Name, UID: pool.UID, BlockOwnerDeletion: new(true),
	}})

	made, err := k.dynamic.Resource(nodeClaims()).Create(ctx, u, metav1.CreateOptions{})
	if kerrors.IsNotFound(err) {
		return nil
	}

	if err != nil {
		return fmt.Errorf("cannot create a NodeClaim of NodePool %s: %w", pool.Name, err)
	}

	for _, p := range pl.pods {
		k.nominated[p.UID] = made.GetName()
		k.recorder.Eventf(p, corev1.EventTypeNormal, "Nominated", "Pod should schedule on: nodeclaim/%s", made.GetName())
	}

	k.Logf("karpenter of cluster %s: created nodeclaim %s for %d pods", k.Cluster, made.GetName(), len(pl.pods))

	return nil
}

func merged(a, b map[string]string) map[string]string {
	out := map[string]string{}
	maps.Copy(out, a)
	maps.Copy(out, b)

	return out
}
