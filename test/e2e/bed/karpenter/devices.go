package karpenter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// devices plays the kubelet's device manager: a node has GPUs while the device
// plugin's pod is Ready on it.
func (k *karpenter) devices(ctx context.Context, w *world) error {
	errs := []error{}

	for _, n := range w.nodes {
		c := w.claimOf(n)
		if c == nil {
			continue
		}

		want := c.Status.Capacity[gpu]
		if !slices.ContainsFunc(w.podsOn(n.Name), isDevicePlugin) {
			want.Set(0)
		}

		if have, known := n.Status.Allocatable[gpu]; have.Cmp(want) == 0 && (known || want.IsZero()) {
			continue
		}

		patch := fmt.Appendf(nil, `{"status":{"capacity":{%q:%q},"allocatable":{%q:%q}}}`, gpu, want.String(), gpu, want.String())
		if _, err := k.core.CoreV1().Nodes().Patch(ctx, n.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status"); err != nil && !kerrors.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("cannot register the GPUs of node %s: %w", n.Name, err))
		}
	}

	return errors.Join(errs...)
}

// isDevicePlugin tells NVIDIA's device plugin by its image.
func isDevicePlugin(p *corev1.Pod) bool {
	if !ownedBy(p, "DaemonSet") || p.DeletionTimestamp != nil || !slices.ContainsFunc(p.Spec.Containers, func(c corev1.Container) bool {
		return strings.Contains(c.Image, "k8s-device-plugin")
	}) {
		return false
	}

	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}
