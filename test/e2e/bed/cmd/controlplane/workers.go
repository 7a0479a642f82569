package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/scale"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/component-base/cli"
	"k8s.io/klog/v2"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	"k8s.io/kubernetes/pkg/controller/daemon"
	"k8s.io/kubernetes/pkg/controller/deployment"
	"k8s.io/kubernetes/pkg/controller/disruption"
	"k8s.io/kubernetes/pkg/controller/endpointslice"
	"k8s.io/kubernetes/pkg/controller/nodelifecycle"
	"k8s.io/kubernetes/pkg/controller/replicaset"
	"k8s.io/kubernetes/pkg/controller/serviceaccount"
	"k8s.io/kubernetes/pkg/controller/volume/persistentvolume"
	"k8s.io/kubernetes/pkg/controller/volume/pvcprotection"
	"k8s.io/kubernetes/pkg/controller/volume/pvprotection"
)

// workersPerController is plenty for the dozen objects of a studio.
const workersPerController = 4

// schedulerConfig keeps the scheduler's patience with a pod short. Its default,
// ten seconds, is ten simulated minutes at a scale of sixty.
const schedulerConfig = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
podInitialBackoffSeconds: 1
podMaxBackoffSeconds: 1
leaderElection: {leaderElect: false}
clientConnection: {kubeconfig: %q, qps: 1000, burst: 2000}
`

// runWorkers runs what turns a Deployment into pods on nodes: the real
// controllers and the real scheduler. The garbage collector and the namespace
// controller are with the API server. Pods whose node is gone are the bed's to
// delete (package workload): Kubernetes' own collector of them links cAdvisor
// and half a kubelet.
func runWorkers(args []string) error {
	fs := flag.NewFlagSet("workers", flag.ExitOnError)
	kubeconfig := fs.String("kubeconfig", "", "admin kubeconfig of the workload cluster")

	if err := fs.Parse(args); err != nil {
		return fmt.Errorf("cannot parse flags: %w", err)
	}

	dir, err := os.MkdirTemp("", "scheduler-")
	if err != nil {
		return fmt.Errorf("cannot make a directory for the scheduler: %w", err)
	}
	defer os.RemoveAll(dir)

	config := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, schedulerConfig, *kubeconfig), 0o600); err != nil {
		return fmt.Errorf("cannot write the scheduler's configuration: %w", err)
	}

	go startWorkers(context.Background(), *kubeconfig)

	cmd := scheduler.NewSchedulerCommand()
	// Nobody scrapes it, and a port is one thing less that beds can share.
	cmd.SetArgs([]string{"--config=" + config, "--secure-port=0", "--authentication-skip-lookup", "--profiling=false"})
	// The error is printed by Run; the exit code carries it.
	if code := cli.Run(cmd); code != 0 {
		return fmt.Errorf("kube-scheduler ended with code %d", code)
	}

	return nil
}

// A loop is a controller that runs until its context ends.
type loop func(ctx context.Context)

func startWorkers(ctx context.Context, kubeconfig string) {
	cfg, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		fatal(err)
	}

	cfg.QPS, cfg.Burst = 1000, 2000

	client := kubernetes.NewForConfigOrDie(cfg)
	shared := informers.NewSharedInformerFactory(client, 0)

	loops := []loop{endpointSlices(ctx, client, shared), serviceAccounts(ctx, client, shared)}

	for _, more := range []func(context.Context, *rest.Config, kubernetes.Interface, informers.SharedInformerFactory) ([]loop, error){
		apps, nodes, volumes, disruptions,
	} {
		l, err := more(ctx, cfg, client, shared)
		if err != nil {
			fatal(err)
		}

		loops = append(loops, l...)
	}

	shared.Start(ctx.Done())

	for _, l := range loops {
		go l(ctx)
	}
}

// apps are the controllers of Deployments, their ReplicaSets, and DaemonSets.
func apps(ctx context.Context, _ *rest.Config, client kubernetes.Interface, shared informers.SharedInformerFactory) ([]loop, error) {
	deployments, err := deployment.NewDeploymentController(ctx,
		shared.Apps().V1().Deployments(), shared.Apps().V1().ReplicaSets(), shared.Core().V1().Pods(), client)
	if err != nil {
		return nil, fmt.Errorf("cannot make the deployment controller: %w", err)
	}

	daemons, err := daemon.NewDaemonSetsController(ctx,
		shared.Apps().V1().DaemonSets(), shared.Apps().V1().ControllerRevisions(), shared.Core().V1().Pods(), shared.Core().V1().Nodes(),
		client, flowcontrol.NewBackOff(time.Second, time.Minute))
	if err != nil {
		return nil, fmt.Errorf("cannot make the daemon set controller: %w", err)
	}

	replicas := replicaset.NewReplicaSetController(ctx,
		shared.Apps().V1().ReplicaSets(), shared.Core().V1().Pods(), client, replicaset.BurstReplicas)

	return []loop{
		func(ctx context.Context) { deployments.Run(ctx, workersPerController) },
		func(ctx context.Context) { daemons.Run(ctx, workersPerController) },
		func(ctx context.Context) { replicas.Run(ctx, workersPerController) },
	}, nil
}

// nodes takes the taint not-ready off a node that is ready, and puts it on one
// that is not. A heartbeat that is late says in a bed that the machine is busy,
// so the patience is far beyond the default of forty seconds.
func nodes(ctx context.Context, _ *rest.Config, client kubernetes.Interface, shared informers.SharedInformerFactory) ([]loop, error) {
	const patience = 24 * time.Hour

	c, err := nodelifecycle.NewNodeLifecycleController(ctx,
		shared.Coordination().V1().Leases(), shared.Core().V1().Pods(), shared.Core().V1().Nodes(), shared.Apps().V1().DaemonSets(),
		client, 500*time.Millisecond, patience, patience, 0.1, 0.01, 50, 0.55)
	if err != nil {
		return nil, fmt.Errorf("cannot make the node life cycle controller: %w", err)
	}

	return []loop{c.Run}, nil
}

// volumes bind claims to the volumes that exist. Nothing is provisioned: the
// volumes of a studio are static.
func volumes(ctx context.Context, _ *rest.Config, client kubernetes.Interface, shared informers.SharedInformerFactory) ([]loop, error) {
	binder, err := persistentvolume.NewController(ctx, persistentvolume.ControllerParameters{
		KubeClient:     client,
		SyncPeriod:     2 * time.Second,
		VolumeInformer: shared.Core().V1().PersistentVolumes(),
		ClaimInformer:  shared.Core().V1().PersistentVolumeClaims(),
		ClassInformer:  shared.Storage().V1().StorageClasses(),
		PodInformer:    shared.Core().V1().Pods(),
		NodeInformer:   shared.Core().V1().Nodes(),
	})
	if err != nil {
		return nil, fmt.Errorf("cannot make the volume binder: %w", err)
	}

	// Both protect with a finalizer that admission sets and only they remove.
	claims, err := pvcprotection.NewPVCProtectionController(klog.FromContext(ctx),
		shared.Core().V1().PersistentVolumeClaims(), shared.Core().V1().Pods(), client)
	if err != nil {
		return nil, fmt.Errorf("cannot make the claim protection controller: %w", err)
	}

	protection := pvprotection.NewPVProtectionController(klog.FromContext(ctx), shared.Core().V1().PersistentVolumes(), client)

	return []loop{
		binder.Run,
		func(ctx context.Context) { claims.Run(ctx, 1) },
		func(ctx context.Context) { protection.Run(ctx, 1) },
	}, nil
}

// disruptions keeps the status of disruption budgets, which evictions read.
func disruptions(ctx context.Context, cfg *rest.Config, client kubernetes.Interface, shared informers.SharedInformerFactory) ([]loop, error) {
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client.Discovery()))

	scales, err := scale.NewForConfig(cfg, mapper, dynamic.LegacyAPIPathResolverFunc, scale.NewDiscoveryScaleKindResolver(client.Discovery()))
	if err != nil {
		return nil, fmt.Errorf("cannot make a client for scales: %w", err)
	}

	c := disruption.NewDisruptionController(ctx,
		shared.Core().V1().Pods(), shared.Policy().V1().PodDisruptionBudgets(), shared.Core().V1().ReplicationControllers(),
		shared.Apps().V1().ReplicaSets(), shared.Apps().V1().Deployments(), shared.Apps().V1().StatefulSets(),
		client, mapper, scales, client.Discovery())

	return []loop{c.Run}, nil
}

func endpointSlices(ctx context.Context, client kubernetes.Interface, shared informers.SharedInformerFactory) loop {
	c := endpointslice.NewController(ctx,
		shared.Core().V1().Pods(), shared.Core().V1().Services(), shared.Core().V1().Nodes(), shared.Discovery().V1().EndpointSlices(),
		100, client, 0)

	return func(ctx context.Context) { c.Run(ctx, workersPerController) }
}

func serviceAccounts(ctx context.Context, client kubernetes.Interface, shared informers.SharedInformerFactory) loop {
	c, err := serviceaccount.NewServiceAccountsController(klog.FromContext(ctx),
		shared.Core().V1().ServiceAccounts(), shared.Core().V1().Namespaces(), client, serviceaccount.DefaultServiceAccountsControllerOptions())
	if err != nil {
		fatal(err)
	}

	return func(ctx context.Context) { c.Run(ctx, 1) }
}
