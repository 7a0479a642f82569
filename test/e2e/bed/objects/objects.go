// Package objects plays provider-kubernetes (v1.2.1) and provider-helm (v1.3.0)
// and the cluster behind them, with no Kubernetes API there: for tests that are
// about AWS.
//
// An Object or a Release whose ProviderConfig, kubeconfig Secret and EKS cluster
// are there is Synced at once, and Ready after the simulated time its content
// takes in a healthy cluster. What the two providers refuse is refused here in
// their words; above all, an Object whose Secret went first is never let go.
//
// The cluster refuses what an empty EKS cluster refuses: objects in namespaces
// that are not there, kinds without a CRD. Pods need nodes. What Karpenter has
// made goes only while Karpenter runs.
//
// Two things it leaves out: tokens do not age, and nothing drifts.
package objects

import (
	"context"
	"fmt"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// workers reconcile at the same time.
const workers = 8

// Options of a Double.
type Options struct {
	AWS *cloud.AWS
	// Log gets a line per call of the API server that failed; may be nil.
	Log func(format string, args ...any)
}

// A Double reconciles Objects and Releases until its context ends.
type Double struct {
	client dynamic.Interface
	aws    *cloud.AWS
	o      Options
	queue  *queue

	mu       sync.Mutex
	clusters map[string]*cluster // by endpoint
}

// kind is one kind of managed resource that a Double serves.
type kind struct {
	resource  schema.GroupVersionResource
	kind      string
	config    schema.GroupVersionResource
	usage     schema.GroupVersionResource
	reconcile func(*run, context.Context, *cluster) (result, error)
}

func kinds() []kind {
	of := func(group, version, resource, name string, reconcile func(*run, context.Context, *cluster) (result, error)) kind {
		gvr := func(r string) schema.GroupVersionResource {
			return schema.GroupVersionResource{Group: group, Version: version, Resource: r}
		}

		return kind{gvr(resource), name, gvr("providerconfigs"), gvr("providerconfigusages"), reconcile}
	}

	return []kind{
		of("kubernetes.m.crossplane.io", "v1alpha1", "objects", "Object", (*run).object),
		of("helm.m.crossplane.io", "v1beta1", "releases", "Release", (*run).release),
	}
}

// New makes a double for an API server. Nothing runs before Run.
func New(cfg *rest.Config, o Options) (*Double, error) {
	cfg = rest.CopyConfig(cfg)
	cfg.QPS = -1

	client, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("cannot make a client: %w", err)
	}

	if o.Log == nil {
		o.Log = func(string, ...any) {}
	}

	return &Double{client: client, aws: o.AWS, o: o, queue: newQueue(o.AWS.Clock()), clusters: map[string]*cluster{}}, nil
}

// Run reconciles until the context ends and nothing runs any more. A Double
// runs once.
func (d *Double) Run(ctx context.Context) {
	wg := sync.WaitGroup{}
	defer wg.Wait()
	defer d.queue.ShutDown()

	for _, k := range kinds() {
		d.watch(ctx, &wg, k.resource, func(u *unstructured.Unstructured) { d.queue.Add(key{k.kind, u.GetNamespace(), u.GetName()}) })
		d.watch(ctx, &wg, k.config, func(u *unstructured.Unstructured) {
			d.queue.Add(key{configOf(k.kind), u.GetNamespace(), u.GetName()})
		})
		d.watch(ctx, &wg, k.usage, func(u *unstructured.Unstructured) {
			name, _, _ := unstructured.NestedString(u.Object, "providerConfigRef", "name")
			d.queue.Add(key{configOf(k.kind), u.GetNamespace(), name})
		})
	}

	for range workers {
		wg.Go(func() { d.work(ctx) })
	}

	<-ctx.Done()
}

// watch calls for each object of a kind when it comes, changes or goes. What
// only a status changed wakes nobody, as crossplane-runtime has it.
func (d *Double) watch(ctx context.Context, wg *sync.WaitGroup, gvr schema.GroupVersionResource, changed func(*unstructured.Unstructured)) {
	inf := dynamicinformer.NewFilteredDynamicInformer(d.client, gvr, metav1.NamespaceAll, 0, cache.Indexers{}, nil).Informer()
	call := func(o any) {
		if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
			o = gone.Obj
		}

		if u, ok := o.(*unstructured.Unstructured); ok {
			changed(u)
		}
	}

	_, _ = inf.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: call,
		UpdateFunc: func(before, after any) {
			b, _ := before.(*unstructured.Unstructured)
			a, _ := after.(*unstructured.Unstructured)

			if a != nil && b != nil && desiredChanged(b, a) {
				call(after)
			}
		},
		DeleteFunc: call,
	})
	wg.Go(func() { inf.RunWithContext(ctx) })
}

func (d *Double) work(ctx context.Context) {
	for {
		k, shutdown := d.queue.Get()
		if shutdown {
			return
		}

		if ctx.Err() == nil {
			d.handle(ctx, k)
		}

		d.queue.Done(k)
	}
}

func (d *Double) handle(ctx context.Context, k key) {
	res, err := d.reconcile(ctx, k)

	switch {
	case ctx.Err() != nil:
	case err != nil:
		d.o.Log("cannot reconcile %s %s/%s: %v", k.kind, k.namespace, k.name, err)
		d.queue.failed(k)
	case res.failed:
		d.queue.failed(k)
	case res.after > 0:
		d.queue.forget(k)
		d.queue.after(k, res.after)
	default:
		d.queue.forget(k)
	}
}
