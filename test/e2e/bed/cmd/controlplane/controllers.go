package main

import (
	"context"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/controller-manager/pkg/informerfactory"
	"k8s.io/kubernetes/pkg/controller/clusterroleaggregation"
	"k8s.io/kubernetes/pkg/controller/garbagecollector"
	"k8s.io/kubernetes/pkg/controller/namespace"
)

// gcSyncPeriod is how soon the garbage collector learns of a new CRD. The
// controller manager's constant is 30 s; a foreground delete of a kind that
// was made a moment ago would hang that long.
const gcSyncPeriod = 2 * time.Second

// runControllers waits for the API server in this process and then runs the
// garbage collector, the namespace controller and the aggregation of roles
// until ctx ends.
func runControllers(ctx context.Context, kubeconfig string) {
	cfg, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		fatal(err)
	}

	cfg.QPS, cfg.Burst = 1000, 2000

	client := kubernetes.NewForConfigOrDie(cfg)
	if err := wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		_, err := client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err == nil, nil
	}); err != nil {
		return
	}

	md, err := metadata.NewForConfig(cfg)
	if err != nil {
		fatal(err)
	}

	shared := informers.NewSharedInformerFactory(client, 0)

	runNamespaces(ctx, client, md, shared)
	runRoleAggregation(ctx, client, shared)
	runGarbageCollector(ctx, client, md, shared)
}

func runNamespaces(ctx context.Context, client kubernetes.Interface, md metadata.Interface, shared informers.SharedInformerFactory) {
	nc := namespace.NewNamespaceController(ctx, client, md,
		client.Discovery().ServerPreferredNamespacedResources, shared.Core().V1().Namespaces(), time.Minute, v1.FinalizerKubernetes)

	go nc.Run(ctx, 10)
}

// runRoleAggregation fills the ClusterRoles that are made of others, as
// Crossplane's is.
func runRoleAggregation(ctx context.Context, client kubernetes.Interface, shared informers.SharedInformerFactory) {
	c := clusterroleaggregation.NewClusterRoleAggregation(shared.Rbac().V1().ClusterRoles(), client.RbacV1())

	go c.Run(ctx, 5)
}

func runGarbageCollector(ctx context.Context, client kubernetes.Interface, md metadata.Interface, shared informers.SharedInformerFactory) {
	started := make(chan struct{})
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client.Discovery()))

	// Events come by the hundred and own nothing.
	ignored := map[schema.GroupResource]struct{}{
		{Resource: "events"}:                         {},
		{Group: "events.k8s.io", Resource: "events"}: {},
	}

	factory := informerfactory.NewInformerFactory(shared, metadatainformer.NewSharedInformerFactory(md, 0))

	gc, err := garbagecollector.NewGarbageCollector(ctx, client, md, mapper, ignored, factory, started)
	if err != nil {
		fatal(err)
	}

	factory.Start(ctx.Done())
	close(started)

	go gc.Run(ctx, 20, 30*time.Second)

	gc.Sync(ctx, client.Discovery(), gcSyncPeriod)
}
