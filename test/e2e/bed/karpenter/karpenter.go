// Package karpenter plays Karpenter 1.14 for AWS: it makes GPU nodes for pods
// that find none, and ends them.
//
// Its kinds are served from the real CRDs, its Deployment is the real chart's,
// and it works only while that Deployment is Available and its identity in the
// simulated AWS holds: a Pod Identity association whose role's policies allow
// what Karpenter calls. Otherwise nothing happens: pods wait, finalizers hang,
// instances go on. Its instances are in the account's ledger.
//
// The real one cannot be used here: it waits and times out in real time by a
// dozen constants (batching, the drain's minimum, fifteen minutes for a node
// to register), and a bed's minutes pass in seconds. What it does is taken from
// its source (sigs.k8s.io/karpenter v1.14.0, aws/karpenter-provider-aws
// v1.14.1), conditions, reasons, messages and events included.
//
// Played are: EC2NodeClass readiness and finalizer; NodePool readiness, limits,
// weights, requirements, taints; NodeClaims from launch to registration and
// initialization with their timeouts; offerings that are out of capacity for
// three minutes; consolidation of empty nodes within unscheduled budgets;
// expiry; drain with budgets, do-not-disrupt and the termination grace period.
// Not played are: drift, consolidation of nodes in use, static capacity,
// reservations, topology spread in its simulation, scheduled budgets, the
// interruption queue's messages (its permissions are demanded).
package karpenter

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// Options say whose Karpenter it is.
type Options struct {
	// Admin are credentials for the cluster's API server.
	Admin *rest.Config
	// Cluster is the name of the EKS cluster, Region where it is.
	Cluster string
	Region  string
	// AWS is the simulated account.
	AWS *cloud.AWS
	// Informers of the cluster. Default: its own.
	Informers informers.SharedInformerFactory
	// Logf gets a line for what a person would want to know.
	Logf func(format string, args ...any)
}

// A karpenter is one Karpenter.
type karpenter struct {
	Options

	core     kubernetes.Interface
	dynamic  dynamic.Interface
	recorder record.EventRecorder
	clock    cloud.Clock

	// problem keeps it from working; docs are its role's policies.
	problem string
	docs    []string
	// claims and nodes hold what only the real one's memory and clock know.
	claims map[types.UID]*claimMemory
	empty  map[types.UID]time.Duration
	// unavailable offerings, until when.
	unavailable map[string]time.Duration
	// nominated is the claim that a pending pod waits for.
	nominated map[types.UID]string
}

// A claimMemory is what the double knows of a NodeClaim beside its status.
type claimMemory struct {
	seen     time.Duration
	launched time.Duration
	retry    time.Duration
	backoff  time.Duration
	deleted  time.Duration
	draining time.Duration
	// trouble was told already.
	trouble string
}

// period is how long the double sleeps when nothing happens, in simulated
// time: what it waits for in AWS wakes nobody.
const period = 2 * time.Second

// shortest is what a pass is worth in real time.
const shortest = 20 * time.Millisecond

// Run plays Karpenter until the context ends.
func Run(ctx context.Context, o Options) error {
	k, err := start(ctx, o)
	if err != nil {
		return err
	}

	changed := make(chan struct{}, 1)
	if err := k.watch(ctx, changed); err != nil {
		return err
	}

	for {
		if err := k.pass(ctx); err != nil && ctx.Err() == nil {
			k.Logf("karpenter of cluster %s: %v", k.Cluster, err)
		}

		select {
		case <-ctx.Done():
			return nil
		case <-time.After(max(k.clock.Real(period), shortest)):
		case <-changed:
			// What comes together is looked at together.
			time.Sleep(shortest)
		}
	}
}

func start(ctx context.Context, o Options) (*karpenter, error) {
	core, err := kubernetes.NewForConfig(o.Admin)
	if err != nil {
		return nil, fmt.Errorf("cannot make a client: %w", err)
	}

	dyn, err := dynamic.NewForConfig(o.Admin)
	if err != nil {
		return nil, fmt.Errorf("cannot make a client: %w", err)
	}

	if o.Informers == nil {
		o.Informers = informers.NewSharedInformerFactory(core, 0)
	}

	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}

	events := record.NewBroadcaster(record.WithContext(ctx))
	events.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: core.CoreV1().Events("")})

	return &karpenter{
		Options: o, core: core, dynamic: dyn, clock: o.AWS.Clock(),
		recorder: events.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "karpenter"}),
		claims:   map[types.UID]*claimMemory{}, empty: map[types.UID]time.Duration{},
		unavailable: map[string]time.Duration{}, nominated: map[types.UID]string{},
	}, nil
}

// watch wakes the double when pods, nodes or its Deployment change. Its own
// kinds it asks for in each pass: they may not be served yet.
func (k *karpenter) watch(ctx context.Context, changed chan<- struct{}) error {
	wake := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}

	synced := []cache.InformerSynced{}

	for _, i := range []cache.SharedIndexInformer{
		k.Informers.Core().V1().Pods().Informer(), k.Informers.Core().V1().Nodes().Informer(), k.Informers.Apps().V1().Deployments().Informer(),
	} {
		if _, err := i.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: func(any) { wake() }, UpdateFunc: func(any, any) { wake() }, DeleteFunc: func(any) { wake() },
		}); err != nil {
			return fmt.Errorf("cannot watch: %w", err)
		}

		synced = append(synced, i.HasSynced)
	}

	k.Informers.Start(ctx.Done())

	if !cache.WaitForCacheSync(ctx.Done(), synced...) && ctx.Err() == nil {
		return errors.New("cannot watch: the caches do not fill")
	}

	return nil
}

// pass looks at everything once and does what is due.
func (k *karpenter) pass(ctx context.Context) error {
	if !k.alive(ctx) {
		return nil
	}

	w, err := k.look(ctx)
	if err != nil || w == nil {
		return err
	}

	errs := []error{}
	for _, step := range []func(context.Context, *world) error{
		k.classes, k.launch, k.register, k.devices, k.terminate, k.provision, k.consolidate, k.pools, k.finalizeClasses,
	} {
		errs = append(errs, step(ctx, w))
	}

	return errors.Join(errs...)
}

// object is a reference for an event.
func object(gvk schema.GroupVersionKind, name string, uid types.UID) *corev1.ObjectReference {
	return &corev1.ObjectReference{APIVersion: gvk.GroupVersion().String(), Kind: gvk.Kind, Name: name, UID: uid}
}

func claimRef(c *nodeClaim) *corev1.ObjectReference {
	return object(schema.GroupVersionKind{Group: group, Version: "v1", Kind: "NodeClaim"}, c.Name, c.UID)
}
