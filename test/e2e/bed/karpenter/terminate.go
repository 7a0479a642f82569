package karpenter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// minDrain is how long a drain takes at least: a pod may be on its way to the
// node from a scheduler that has not seen the taint.
const minDrain = 5 * time.Second

// terminate ends what is deleted: pods, then the instance, then the Node, then
// the NodeClaim.
func (k *karpenter) terminate(ctx context.Context, w *world) error {
	errs := []error{}

	// Whoever deletes a Node deletes its NodeClaim.
	for _, n := range w.nodes {
		if c := w.claimOf(n); c != nil && n.DeletionTimestamp != nil && c.DeletionTimestamp == nil {
			errs = append(errs, k.deleteClaim(ctx, c))
		}
	}

	for _, c := range w.claims {
		if c.DeletionTimestamp != nil && slices.Contains(c.Finalizers, finalizer) {
			errs = append(errs, k.terminateOne(ctx, w, c))
		}
	}

	return errors.Join(errs...)
}

func (k *karpenter) terminateOne(ctx context.Context, w *world, c *nodeClaim) error {
	before := c.Status
	before.Conditions = slices.Clone(c.Status.Conditions)

	if err := k.announce(ctx, c); err != nil {
		return err
	}

	n := w.node(c)
	if n != nil {
		done, err := k.drain(ctx, w, c, n)
		if err != nil || !done {
			return errors.Join(err, k.writeStatus(ctx, nodeClaims(), c.Name, before, c.Status))
		}
	}

	gone, err := k.terminateInstance(w, c)
	if err == nil && c.Status.ProviderID != "" {
		c.conditions().yes(terminating)
		err = k.writeStatus(ctx, nodeClaims(), c.Name, before, c.Status)
	}

	if err != nil || !gone {
		return err
	}

	if n != nil {
		// The NodeClaim goes when its Node is gone.
		return k.release(ctx, n)
	}

	return k.finalizers(ctx, nodeClaims(), c.ObjectMeta, without(c.Finalizers, finalizer))
}

// announce writes down when the grace of a deleted NodeClaim is over.
func (k *karpenter) announce(ctx context.Context, c *nodeClaim) error {
	d, ok := duration(c.Spec.TerminationGracePeriod)
	if !ok || c.Annotations[terminationTime] != "" {
		return nil
	}

	at := k.clock.Wall().Add(k.claims[c.UID].deleted - k.clock.Now() + d).Format(time.RFC3339)
	k.recorder.Eventf(claimRef(c), corev1.EventTypeWarning, "TerminationGracePeriodExpiring", "All pods will be deleted by %s", at)

	return k.patch(ctx, nodeClaims(), c.Name, map[string]any{"metadata": map[string]any{"annotations": map[string]any{terminationTime: at}}})
}

// drain deletes the Node, which its finalizer keeps, and evicts its pods. It is
// done when nothing is left to wait for.
func (k *karpenter) drain(ctx context.Context, w *world, c *nodeClaim, n *corev1.Node) (bool, error) {
	m := k.claims[c.UID]

	if n.DeletionTimestamp == nil {
		if err := k.core.CoreV1().Nodes().Delete(ctx, n.Name, metav1.DeleteOptions{}); err != nil && !kerrors.IsNotFound(err) {
			return false, fmt.Errorf("cannot delete node %s: %w", n.Name, err)
		}
	}

	if m.draining == 0 {
		m.draining = k.clock.Now()
		c.conditions().unknown(drained, "Draining", "Draining")
	}

	if err := k.taint(ctx, n); err != nil {
		return false, err
	}

	left := []*corev1.Pod{}

	for _, p := range w.podsOn(n.Name) {
		if waitedFor(p) {
			left = append(left, p)
		}
	}

	if len(left) > 0 {
		return false, k.evict(ctx, c, n, left)
	}

	if k.clock.Now() < m.draining+minDrain {
		return false, nil
	}

	c.conditions().yes(drained)
	c.conditions().yes(volumesDetached)

	return true, nil
}

func disruptedTaint() corev1.Taint {
	return corev1.Taint{Key: disrupted, Effect: corev1.TaintEffectNoSchedule}
}

func (k *karpenter) taint(ctx context.Context, n *corev1.Node) error {
	t := disruptedTaint()
	if slices.ContainsFunc(n.Spec.Taints, func(have corev1.Taint) bool { return have.MatchTaint(&t) }) {
		return nil
	}

	n = n.DeepCopy()
	n.Spec.Taints = append(n.Spec.Taints, t)
	n.Labels["node.kubernetes.io/exclude-from-external-load-balancers"] = "karpenter"

	if _, err := k.core.CoreV1().Nodes().Update(ctx, n, metav1.UpdateOptions{}); err != nil && !kerrors.IsConflict(err) && !kerrors.IsNotFound(err) {
		return fmt.Errorf("cannot taint node %s: %w", n.Name, err)
	}

	return nil
}

// waitedFor are the pods that a drain waits for: not those that run on a
// disrupted node, and not the static ones.
func waitedFor(p *corev1.Pod) bool {
	return p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed && !ownedBy(p, "Node") &&
		!tolerates(p, []corev1.Taint{disruptedTaint()})
}

// evict evicts the first of four groups that is not empty: what is critical
// and what daemon sets run goes last. Past the grace of the node, less its own,
// a pod is deleted whatever protects it.
func (k *karpenter) evict(ctx context.Context, c *nodeClaim, n *corev1.Node, left []*corev1.Pod) error {
	errs := []error{}
	first := 4

	for _, p := range left {
		first = min(first, rank(p))
	}

	grace, bounded := duration(c.Spec.TerminationGracePeriod)

	for _, p := range left {
		own := 30 * time.Second
		if s := p.Spec.TerminationGracePeriodSeconds; s != nil {
			own = time.Duration(*s) * time.Second
		}

		end := k.claims[c.UID].deleted + grace

		switch {
		case bounded && p.DeletionTimestamp == nil && k.clock.Now() > end-own:
			seconds := max(int64((end - k.clock.Now()).Seconds()), 1)
			k.recorder.Eventf(p, corev1.EventTypeNormal, "Disrupted", "Deleting the pod to accommodate the terminationTime of the node. The pod was granted %d seconds of grace-period of its %d terminationGracePeriodSeconds. This bypasses the PDB of the pod and the do-not-disrupt annotation.", seconds, int64(own.Seconds()))
			errs = append(errs, k.deletePod(ctx, p, seconds))
		case bounded && k.clock.Now() > end+time.Minute:
			// The instance goes; its kubelet would have killed the pod by now.
			errs = append(errs, k.deletePod(ctx, p, 0))
		case rank(p) == first && p.DeletionTimestamp == nil && p.Annotations[doNotDisrupt] != "true":
			errs = append(errs, k.evictPod(ctx, n, p))
		}
	}

	return errors.Join(errs...)
}

func rank(p *corev1.Pod) int {
	r := 0
	if p.Spec.PriorityClassName == "system-cluster-critical" || p.Spec.PriorityClassName == "system-node-critical" {
		r = 2
	}

	if ownedBy(p, "DaemonSet") {
		r++
	}

	return r
}

func (k *karpenter) deletePod(ctx context.Context, p *corev1.Pod, seconds int64) error {
	err := k.core.CoreV1().Pods(p.Namespace).Delete(ctx, p.Name, metav1.DeleteOptions{GracePeriodSeconds: &seconds})
	if err != nil && !kerrors.IsNotFound(err) {
		return fmt.Errorf("cannot delete pod %s/%s: %w", p.Namespace, p.Name, err)
	}

	return nil
}

func (k *karpenter) evictPod(ctx context.Context, n *corev1.Node, p *corev1.Pod) error {
	err := k.core.PolicyV1().Evictions(p.Namespace).Evict(ctx, &policyv1.Eviction{
		ObjectMeta:    metav1.ObjectMeta{Name: p.Name, Namespace: p.Namespace},
		DeleteOptions: &metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &p.UID}},
	})

	switch {
	case err == nil:
		k.recorder.Eventf(p, corev1.EventTypeNormal, "Evicted", "Evicted pod: Forceful Termination")
	case kerrors.IsNotFound(err), kerrors.IsConflict(err):
	case kerrors.IsTooManyRequests(err):
		k.recorder.Eventf(n, corev1.EventTypeWarning, "FailedDraining", "Failed to drain node, evicting pod violates a PDB (Pod=%s/%s)", p.Namespace, p.Name)
	default:
		return fmt.Errorf("cannot evict pod %s/%s: %w", p.Namespace, p.Name, err)
	}

	return nil
}

// terminateInstance tells whether the instance of a claim is gone. It needs the
// permission, and a way to AWS.
func (k *karpenter) terminateInstance(w *world, c *nodeClaim) (gone bool, err error) {
	i, ok := w.instances[instanceID(c)]
	if !ok {
		return true, nil
	}

	if i.State == cloud.StateDeleting {
		return false, nil
	}

	r := k.ask("ec2:TerminateInstances", k.arn("ec2", "instance/"+i.ID)).with(map[string]string{
		"aws:ResourceTag/kubernetes.io/cluster/" + k.Cluster: "owned", "aws:ResourceTag/eks:eks-cluster-name": k.Cluster,
		"aws:ResourceTag/karpenter.sh/nodepool": c.Labels[labelPool],
	})
	if !k.can(r) {
		return false, fmt.Errorf("cannot terminate %s: UnauthorizedOperation", i.ID)
	}

	if err := k.AWS.Delete(cloud.Call{Kind: instanceKind(), ID: i.ID, Args: cloud.Values{"region": k.Region}}); err != nil && !cloud.IsNotFound(err) {
		return false, fmt.Errorf("cannot terminate %s: %w", i.ID, err)
	}

	return false, nil
}

// release takes the finalizer off a node.
func (k *karpenter) release(ctx context.Context, n *corev1.Node) error {
	patch := fmt.Appendf(nil, `{"metadata":{"$deleteFromPrimitiveList/finalizers":[%q]}}`, finalizer)
	if _, err := k.core.CoreV1().Nodes().Patch(ctx, n.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil && !kerrors.IsNotFound(err) {
		return fmt.Errorf("cannot release node %s: %w", n.Name, err)
	}

	return nil
}
