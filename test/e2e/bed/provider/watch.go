package provider

import (
	"context"
	"maps"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// watchCRDs starts to serve each kind of the table as soon as its CRD is
// there: the real provider's SafeStart.
func (p *Provider) watchCRDs(ctx context.Context, wg *sync.WaitGroup) {
	crds := schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	inf := dynamicinformer.NewFilteredDynamicInformer(p.client, crds, metav1.NamespaceAll, 0, cache.Indexers{}, nil).Informer()
	// Schemas are large and nobody here reads them.
	_ = inf.SetTransform(func(o any) (any, error) {
		if u, ok := o.(*unstructured.Unstructured); ok {
			unstructured.RemoveNestedField(u.Object, "spec", "versions")
		}
		return o, nil
	})
	serve := func(o any) {
		if u, ok := o.(*unstructured.Unstructured); ok && established(u) {
			p.serve(ctx, wg, crdKind(u))
		}
	}
	_, _ = inf.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    serve,
		UpdateFunc: func(_, o any) { serve(o) },
	})
	inf.RunWithContext(ctx)
}

func crdKind(u *unstructured.Unstructured) cloud.Kind {
	spec, _, _ := unstructured.NestedMap(u.Object, "spec")
	v := cloud.Values(spec)
	return cloud.KindOf(v.String("group"), v.String("names.kind"))
}

func established(u *unstructured.Unstructured) bool {
	cs, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	for _, c := range cs {
		m, _ := c.(map[string]any)
		if m["type"] == "Established" && m["status"] == "True" {
			return true
		}
	}
	return false
}

// serve watches the managed resources of a kind.
func (p *Provider) serve(ctx context.Context, wg *sync.WaitGroup, k cloud.Kind) {
	row, ok := p.kinds[k]
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.informers[k]; ok {
		return
	}
	inf := dynamicinformer.NewFilteredDynamicInformer(p.client, row.gvr(), metav1.NamespaceAll, 0, cache.Indexers{}, nil).Informer()
	p.informers[k] = inf
	add := func(o any) {
		if u, ok := o.(*unstructured.Unstructured); ok {
			p.queue.Add(key{k, u.GetNamespace(), u.GetName()})
		}
	}
	_, _ = inf.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: add,
		UpdateFunc: func(before, after any) {
			b, ok := before.(*unstructured.Unstructured)
			if a, isU := after.(*unstructured.Unstructured); ok && isU && desiredChanged(b, a) {
				add(after)
			}
		},
		DeleteFunc: func(o any) {
			if u, ok := deleted(o); ok {
				p.tracks.forget(u.GetUID())
				p.aws.Abandon(k, key{k, u.GetNamespace(), u.GetName()}.owner())
			}
		},
	})
	wg.Go(func() { inf.RunWithContext(ctx) })
}

// deleted is what was deleted, as it was last seen. An informer that missed the event
// finds out when it lists again, and wraps what it had.
func deleted(o any) (*unstructured.Unstructured, bool) {
	if last, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = last.Obj
	}

	u, ok := o.(*unstructured.Unstructured)

	return u, ok
}

// desiredChanged is crossplane-runtime's DesiredStateChanged: a change of
// status wakes nobody.
func desiredChanged(before, after *unstructured.Unstructured) bool {
	return before.GetGeneration() != after.GetGeneration() ||
		!maps.Equal(before.GetLabels(), after.GetLabels()) ||
		!maps.Equal(before.GetAnnotations(), after.GetAnnotations()) ||
		before.GetUID() != after.GetUID()
}
