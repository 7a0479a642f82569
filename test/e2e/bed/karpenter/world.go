package karpenter

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// A world is what one pass sees.
type world struct {
	classes []*nodeClass
	pools   []*nodePool
	claims  []*nodeClaim
	nodes   []*corev1.Node
	pods    []*corev1.Pod
	// instances are those of the account, by id.
	instances map[string]cloud.Resource
}

// look is nil while Karpenter's kinds are not served.
func (k *karpenter) look(ctx context.Context) (*world, error) {
	w := &world{instances: map[string]cloud.Resource{}}

	var err error

	if w.classes, err = list[nodeClass](ctx, k, nodeClasses()); err != nil {
		return nil, ignoreNotServed(err)
	}

	if w.pools, err = list[nodePool](ctx, k, nodePools()); err != nil {
		return nil, ignoreNotServed(err)
	}

	if w.claims, err = list[nodeClaim](ctx, k, nodeClaims()); err != nil {
		return nil, ignoreNotServed(err)
	}

	if w.nodes, err = k.Informers.Core().V1().Nodes().Lister().List(labels.Everything()); err != nil {
		return nil, fmt.Errorf("cannot list nodes: %w", err)
	}

	if w.pods, err = k.Informers.Core().V1().Pods().Lister().List(labels.Everything()); err != nil {
		return nil, fmt.Errorf("cannot list pods: %w", err)
	}

	slices.SortFunc(w.pods, func(a, b *corev1.Pod) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })

	for _, i := range k.AWS.List(instanceKind(), k.Region) {
		w.instances[i.ID] = i
	}

	k.remember(w)

	return w, nil
}

func ignoreNotServed(err error) error {
	if kerrors.IsNotFound(err) {
		return nil
	}

	return err
}

func list[T any](ctx context.Context, k *karpenter, gvr schema.GroupVersionResource) ([]*T, error) {
	l, err := k.dynamic.Resource(gvr).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("cannot list %s: %w", gvr.Resource, err)
	}

	out := []*T{}

	for i := range l.Items {
		t, err := from[T](&l.Items[i])
		if err != nil {
			return nil, err
		}

		out = append(out, t)
	}

	return out, nil
}

// remember keeps a memory for each claim there is, and for no other.
func (k *karpenter) remember(w *world) {
	there := map[types.UID]*claimMemory{}

	for _, c := range w.claims {
		m := k.claims[c.UID]
		if m == nil {
			m = &claimMemory{seen: k.clock.Now()}
			if c.Status.ProviderID != "" {
				m.launched = k.clock.Now()
			}
		}

		if c.DeletionTimestamp != nil && m.deleted == 0 {
			m.deleted = k.clock.Now()
		}

		there[c.UID] = m
	}

	k.claims = there
}

func (w *world) class(name string) *nodeClass {
	i := slices.IndexFunc(w.classes, func(c *nodeClass) bool { return c.Name == name })
	if i < 0 {
		return nil
	}

	return w.classes[i]
}

func (w *world) pool(name string) *nodePool {
	i := slices.IndexFunc(w.pools, func(p *nodePool) bool { return p.Name == name })
	if i < 0 {
		return nil
	}

	return w.pools[i]
}

// node is the node of a claim, by the id of its instance.
func (w *world) node(c *nodeClaim) *corev1.Node {
	for _, n := range w.nodes {
		if c.Status.ProviderID != "" && n.Spec.ProviderID == c.Status.ProviderID {
			return n
		}
	}

	return nil
}

func (w *world) podsOn(node string) []*corev1.Pod {
	out := []*corev1.Pod{}

	for _, p := range w.pods {
		if p.Spec.NodeName == node {
			out = append(out, p)
		}
	}

	return out
}

func instanceKind() cloud.Kind { return cloud.Kind{Service: "ec2", Name: "Instance"} }

// writeStatus writes a status that changed.
func (k *karpenter) writeStatus(ctx context.Context, gvr schema.GroupVersionResource, name string, before, after any) error {
	was, err := toMap(before)
	if err != nil {
		return err
	}

	is, err := toMap(after)
	if err != nil {
		return err
	}

	if equality.Semantic.DeepEqual(was, is) {
		return nil
	}

	drop(was, is)

	return k.patch(ctx, gvr, name, map[string]any{"status": is}, "status")
}

// drop makes a merge patch take away what is not there any more.
func drop(was, is map[string]any) {
	for key, old := range was {
		now, ok := is[key]
		if !ok {
			is[key] = nil
			continue
		}

		if o, ok := old.(map[string]any); ok {
			if n, ok := now.(map[string]any); ok {
				drop(o, n)
			}
		}
	}
}

// patch merges; what is gone needs no patch.
func (k *karpenter) patch(ctx context.Context, gvr schema.GroupVersionResource, name string, patch map[string]any, subresource ...string) error {
	data, err := json.Marshal(patch)
	if err != nil {
		return fmt.Errorf("cannot encode a patch: %w", err)
	}

	_, err = k.dynamic.Resource(gvr).Patch(ctx, name, types.MergePatchType, data, metav1.PatchOptions{}, subresource...)
	if err != nil && !kerrors.IsNotFound(err) {
		return fmt.Errorf("cannot patch %s %s: %w", gvr.Resource, name, err)
	}

	return nil
}

// finalizers sets the finalizers of an object that did not change since it was
// read: the garbage collector has one of its own on some.
func (k *karpenter) finalizers(ctx context.Context, gvr schema.GroupVersionResource, o metav1.ObjectMeta, finalizers []string) error {
	err := k.patch(ctx, gvr, o.Name, map[string]any{"metadata": map[string]any{
		"finalizers": finalizers, "resourceVersion": o.ResourceVersion,
	}})
	if kerrors.IsConflict(err) {
		return nil // The next pass sees what changed.
	}

	return err
}

func without(list []string, s string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(e string) bool { return e == s })
}
