package view

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
)

// StudioResource is the API resource of the claim.
func StudioResource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "aws.comfyui-studio.io", Version: "v1alpha1", Resource: "comfyuistudios"}
}

// Kinds finds the API resources a studio can be composed of.
func Kinds(d discovery.DiscoveryInterface) ([]schema.GroupVersionResource, error) {
	lists, err := discovery.ServerPreferredNamespacedResources(d)
	// A group that does not answer is another one's trouble, unless none does.
	if err != nil && (len(lists) == 0 || !discovery.IsGroupDiscoveryFailedError(err)) {
		return nil, fmt.Errorf("cannot discover the API: %w", err)
	}
	var out []schema.GroupVersionResource
	for _, l := range lists {
		gv, err := schema.ParseGroupVersion(l.GroupVersion)
		if err != nil || !composable(gv.Group) {
			continue
		}
		for _, r := range l.APIResources {
			if r.Kind != "ProviderConfigUsage" && slices.Contains(r.Verbs, "watch") {
				out = append(out, gv.WithResource(r.Name))
			}
		}
	}
	slices.SortFunc(out, func(a, b schema.GroupVersionResource) int { return strings.Compare(a.String(), b.String()) })
	return out, nil
}

func composable(group string) bool {
	switch group {
	case "aws.m.upbound.io", "kubernetes.m.crossplane.io", "helm.m.crossplane.io", "protection.crossplane.io":
		return true
	}
	return strings.HasSuffix(group, ".aws.m.upbound.io")
}

// A Cluster is a Source: one studio in a management cluster. It watches, so a
// snapshot costs the API server nothing.
type Cluster struct {
	namespace, name string
	ledger          func(context.Context) (Ledger, error)
	claims          cache.GenericLister
	composed        []cache.GenericLister

	mu             sync.Mutex
	start, deleted float64
	known          map[ID]string
}

// Watch begins to watch a studio and returns when the watches have caught up.
// They end with the context.
func Watch(ctx context.Context, c dynamic.Interface, kinds []schema.GroupVersionResource, ledger func(context.Context) (Ledger, error), namespace, name string) (*Cluster, error) {
	out := &Cluster{namespace: namespace, name: name, ledger: ledger, known: map[ID]string{}}
	claims := dynamicinformer.NewFilteredDynamicSharedInformerFactory(c, 0, namespace, nil)
	out.claims = claims.ForResource(StudioResource()).Lister()
	composed := dynamicinformer.NewFilteredDynamicSharedInformerFactory(c, 0, namespace, func(o *metav1.ListOptions) {
		o.LabelSelector = labels.Set{labelComposite: name}.String()
	})
	for _, k := range kinds {
		out.composed = append(out.composed, composed.ForResource(k).Lister())
	}
	for _, f := range []dynamicinformer.DynamicSharedInformerFactory{claims, composed} {
		f.Start(ctx.Done())
		for gvr, synced := range f.WaitForCacheSync(ctx.Done()) {
			if !synced {
				return nil, fmt.Errorf("cannot watch %s: %w", gvr.GroupResource(), cmp.Or(context.Cause(ctx), errors.New("the watch did not start")))
			}
		}
	}
	return out, nil
}

// Begin says that the claim was applied at this simulated time. Without it the
// claim's own timestamp counts, which is cut to the second.
func (c *Cluster) Begin(simulated float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.start = simulated
}

// End says that the claim was deleted at this simulated time.
func (c *Cluster) End(simulated float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deleted = simulated
}

// Snapshot builds a Snapshot of now.
func (c *Cluster) Snapshot(ctx context.Context) (Snapshot, error) {
	// The ledger is read first: an object may then look newer than its entry,
	// never gone from AWS while its object is still shown.
	l, err := c.ledger(ctx)
	if err != nil {
		return Snapshot{}, err
	}
	o := Observation{Namespace: c.namespace, Name: c.name, Ledger: l, At: time.Now()}
	claim, err := c.claims.ByNamespace(c.namespace).Get(c.name)
	if err == nil {
		o.Claim, _ = claim.(*unstructured.Unstructured)
	}
	for _, lister := range c.composed {
		objs, err := lister.ByNamespace(c.namespace).List(labels.Everything())
		if err != nil {
			return Snapshot{}, fmt.Errorf("cannot list composed resources: %w", err)
		}
		o.Composed = append(o.Composed, asUnstructured(objs)...)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, u := range o.Composed {
		if u.GetKind() != kindUsage {
			c.known[idOf(u)] = u.GetAnnotations()[annotationKey]
		}
	}
	o.Start, o.Deleted, o.Known = c.start, c.deleted, c.known
	s := Build(o)
	// The claim's start must not be forgotten when the claim goes.
	c.start = s.Start
	return s, nil
}

func asUnstructured(objs []runtime.Object) []*unstructured.Unstructured {
	out := make([]*unstructured.Unstructured, 0, len(objs))
	for _, o := range objs {
		if u, ok := o.(*unstructured.Unstructured); ok {
			out = append(out, u)
		}
	}
	return out
}
