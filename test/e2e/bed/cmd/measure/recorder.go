package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/bed"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/gate"
)

// studioKind is the claim's.
var studioKind = schema.GroupVersionKind{Group: "aws.comfyui-studio.io", Version: "v1alpha1", Kind: "ComfyUIStudio"} //nolint:gochecknoglobals // A constant but for its type.

// A recorder watches all that studios are made of and writes down, per
// namespace, what it sees when.
type recorder struct {
	mu        sync.Mutex
	histories map[string]*history
	broken    error
}

// watchAll begins to watch; the watches end with the context.
func watchAll(ctx context.Context, b *bed.Bed) (*recorder, error) {
	kinds, err := watchedKinds(b)
	if err != nil {
		return nil, err
	}

	r := &recorder{histories: map[string]*history{}}

	for _, k := range kinds {
		w, err := watchKind(ctx, b.Client().Resource(k))
		if err != nil {
			return nil, fmt.Errorf("cannot watch %s: %w", k.Resource, err)
		}

		go r.follow(ctx, w)
	}

	return r, nil
}

// watchKind watches from now on. An API server that is busy drops watches; they
// go on where they were.
func watchKind(ctx context.Context, c dynamic.ResourceInterface) (watch.Interface, error) {
	l, err := c.List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return nil, err
	}

	return watchtools.NewRetryWatcherWithContext(ctx, l.GetResourceVersion(), &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return c.Watch(ctx, o)
		},
	})
}

// watchedKinds are the claim and every kind that a studio is composed of.
func watchedKinds(b *bed.Bed) ([]schema.GroupVersionResource, error) {
	d, err := discovery.NewDiscoveryClientForConfig(b.Config())
	if err != nil {
		return nil, fmt.Errorf("cannot make a discovery client: %w", err)
	}

	lists, err := discovery.ServerPreferredNamespacedResources(d)
	if err != nil {
		return nil, fmt.Errorf("cannot discover the API: %w", err)
	}

	var out []schema.GroupVersionResource

	for _, l := range lists {
		gv, err := schema.ParseGroupVersion(l.GroupVersion)
		if err != nil {
			continue
		}

		for _, res := range l.APIResources {
			if composable(gv.Group, res.Kind) && slices.Contains(res.Verbs, "watch") {
				out = append(out, gv.WithResource(res.Name))
			}
		}
	}

	return out, nil
}

func composable(group, kind string) bool {
	switch {
	case kind == "ProviderConfigUsage":
		return false
	case group == studioKind.Group, kind == "Usage", kind == "ProviderConfig":
		return true
	case group == "":
		return kind == "Secret"
	}

	return strings.HasSuffix(group, ".aws.m.upbound.io") || strings.HasSuffix(group, ".m.crossplane.io")
}

// begin makes a history for a namespace whose claim is about to be applied.
func (r *recorder) begin(namespace string) {
	r.mu.Lock()
	defer r.mu.Unlock()

	r.histories[namespace] = newHistory(time.Now())
}

// read gives access to a namespace's history while nothing is written to it.
func (r *recorder) read(namespace string, do func(*history)) error {
	r.mu.Lock()
	defer r.mu.Unlock()

	do(r.histories[namespace])

	return r.broken
}

func (r *recorder) follow(ctx context.Context, w watch.Interface) {
	defer w.Stop()

	for e := range w.ResultChan() {
		if o, ok := e.Object.(*unstructured.Unstructured); ok {
			r.see(time.Now(), e.Type, o)
		}
	}

	if ctx.Err() == nil {
		r.mu.Lock()
		r.broken = errors.New("cannot trust the times: a watch ended and could not go on")
		r.mu.Unlock()
	}
}

// see writes one event down.
func (r *recorder) see(now time.Time, typ watch.EventType, o *unstructured.Unstructured) {
	r.mu.Lock()
	defer r.mu.Unlock()

	h := r.histories[o.GetNamespace()]
	if h == nil || typ == watch.Deleted {
		return
	}

	at := now.Sub(h.start)
	if o.GetKind() == studioKind.Kind {
		h.seeClaim(at, o.Object)
		return
	}

	h.seeComposed(at, o)
}

func (h *history) seeClaim(at time.Duration, o map[string]any) {
	h.claimEvents++

	if c := conditionOf(o, "Responsive"); c != nil {
		h.responsive = changed(h.responsive, at, isTrue(c), true)
	}

	if h.ready == 0 && isTrue(conditionOf(o, "Ready")) {
		h.ready = at
	}
}

func (h *history) seeComposed(at time.Duration, o *unstructured.Unstructured) {
	key := gate.Family(o.GetAnnotations()[keyAnnotation])
	if key == "" {
		return
	}

	s := h.seen[key]
	if s == nil {
		s = &sighting{group: o.GroupVersionKind().Group, kind: o.GetKind(), name: o.GetName(), composed: at}
		h.seen[key] = s
	}

	s.events++
	s.ready = changed(s.ready, at, gate.Ready(o.Object), false)

	for _, v := range gate.Values(key, o.Object) {
		h.tell(v, told{at: at, by: key})
	}
}

// tell notes when a value was told first. Of the subnets each tells its own, and
// the value is known with the last.
func (h *history) tell(value string, t told) {
	if value == gate.PrivateSubnets {
		if h.subnets[t.by] {
			return
		}

		h.subnets[t.by] = true
		h.values[value] = t

		return
	}

	if _, ok := h.values[value]; !ok {
		h.values[value] = t
	}
}
