package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// costAnnotation says which pod of a ReplicaSet goes first: that with the least.
const costAnnotation = "controller.kubernetes.io/pod-deletion-cost"

// guardAnnotation has Karpenter leave a pod's node alone.
const guardAnnotation = "karpenter.sh/do-not-disrupt"

// tries is how often a change is tried that another front door was faster with.
const tries = 5

// Replicas is how many servers a pool shall have now.
func (c *Cluster) Replicas(ctx context.Context, pool string) (int32, error) {
	s, err := c.Client.AppsV1().Deployments(c.Namespace).GetScale(ctx, prefix+pool, metav1.GetOptions{})
	if err != nil {
		return 0, fmt.Errorf("cannot read the scale of %s: %w", pool, err)
	}

	return s.Spec.Replicas, nil
}

// AtLeast raises a pool to a number of servers. Any front door may do that, and
// several at once: none ever takes one away with it.
func (c *Cluster) AtLeast(ctx context.Context, pool string, n int32) error {
	return c.change(ctx, pool, func(now int32) (int32, bool) { return n, now < n })
}

// Down takes away one server of as many as there were when it was decided.
func (c *Cluster) Down(ctx context.Context, pool string, from int32) error {
	return c.change(ctx, pool, func(now int32) (int32, bool) { return from - 1, now == from })
}

func (c *Cluster) change(ctx context.Context, pool string, to func(now int32) (int32, bool)) error {
	deployments := c.Client.AppsV1().Deployments(c.Namespace)

	for range tries {
		s, err := deployments.GetScale(ctx, prefix+pool, metav1.GetOptions{})
		if err != nil {
			return fmt.Errorf("cannot read the scale of %s: %w", pool, err)
		}

		n, change := to(s.Spec.Replicas)
		if !change {
			return nil
		}

		// It carries the version that was read: who was faster has decided.
		s.Spec.Replicas = n

		_, err = deployments.UpdateScale(ctx, prefix+pool, s, metav1.UpdateOptions{})
		if err == nil {
			return nil
		}

		if !apierrors.IsConflict(err) {
			return fmt.Errorf("cannot scale %s to %d: %w", pool, n, err)
		}
	}

	return fmt.Errorf("cannot scale %s: others change it all the time", pool)
}

// Cost says how dear a pod is to a ReplicaSet that gets smaller.
func (c *Cluster) Cost(ctx context.Context, pod string, cost int) error {
	return c.annotate(ctx, pod, costAnnotation, strconv.Itoa(cost))
}

// Guard marks a pod as one that works, or takes the mark away.
func (c *Cluster) Guard(ctx context.Context, pod string, on bool) error {
	if !on {
		return c.annotate(ctx, pod, guardAnnotation, nil)
	}

	return c.annotate(ctx, pod, guardAnnotation, "true")
}

// Guarded says that a pod has that mark.
func Guarded(p *corev1.Pod) bool { return p.Annotations[guardAnnotation] == "true" }

// annotate writes a value, or takes away what there is where it is nil.
func (c *Cluster) annotate(ctx context.Context, pod, name string, value any) error {
	b, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]any{name: value}}})
	if err != nil {
		return err
	}

	_, err = c.Client.CoreV1().Pods(c.Namespace).Patch(ctx, pod, types.MergePatchType, b, metav1.PatchOptions{})
	if err != nil {
		return fmt.Errorf("cannot annotate %s: %w", pod, err)
	}

	return nil
}

// Parted is the cost of a pod that shall go.
const Parted = -100

// Parting says that a pod shall go. All front doors see it, and give its server no
// new work. That it has come back through the watch is also a sign that the
// controller has it, which reads it there: kubernetes/kubernetes#126138 scaled
// before that, and lost the wrong pod.
func Parting(p *corev1.Pod) bool { return p.Annotations[costAnnotation] == strconv.Itoa(Parted) }

// Tell writes the studio's status for the claim.
func (c *Cluster) Tell(ctx context.Context, name string, data map[string]string) error {
	maps := c.Client.CoreV1().ConfigMaps(c.Namespace)

	m, err := maps.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: c.Namespace}, Data: data}, metav1.CreateOptions{})
		return err
	}

	if err != nil {
		return fmt.Errorf("cannot read %s: %w", name, err)
	}

	m.Data = data
	_, err = maps.Update(ctx, m, metav1.UpdateOptions{})

	return err
}

// FrontDoors are the addresses of the other front doors that run.
func (c *Cluster) FrontDoors(ctx context.Context, self string) ([]string, error) {
	pods, err := c.Client.CoreV1().Pods(c.Namespace).List(ctx, metav1.ListOptions{LabelSelector: labelName + "=" + frontDoor})
	if err != nil {
		return nil, fmt.Errorf("cannot list the front doors: %w", err)
	}

	var out []string

	for _, p := range pods.Items {
		if p.Status.Phase == corev1.PodRunning && p.Status.PodIP != "" && p.Status.PodIP != self {
			out = append(out, p.Status.PodIP)
		}
	}

	return out, nil
}
