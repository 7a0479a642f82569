package bed

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/objects"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/workcluster"
)

// kubernetesProvider is the process of provider-kubernetes.
const kubernetesProvider = "provider-kubernetes"

// kubernetesPoll is how often provider-kubernetes looks at what is up to date,
// in simulated time: its default. What is not Ready it looks at every 30 real
// seconds, and what failed at most a real minute later; no flag changes that.
const kubernetesPoll = 10 * time.Minute

// workload is what stands behind the studios' EKS clusters.
type workload struct {
	fleet  *workcluster.Fleet // nil in a light bed
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// startFleet follows an account's EKS clusters, if they are to be real.
func (b *Bed) startFleet(aws *cloud.AWS) {
	if b.o.Workload != Real {
		return
	}

	b.workload.fleet = workcluster.New(workcluster.Options{
		AWS:      aws,
		Dir:      filepath.Join(b.o.Dir, "eks"),
		LogDir:   b.LogDir(),
		Binary:   b.o.ControlPlaneBinary,
		Etcd:     "http://" + loopback(b.ports.etcd),
		Port:     b.ports.take,
		FreePort: b.ports.free,
		OnStart:  b.o.OnCluster,
		Died:     func(err error) { b.cancel(err) },
		Log:      b.logf,
	})

	b.workload.run(b.ctx, b.workload.fleet.Run)
}

// startObjects plays the providers of Objects and Releases and the clusters
// behind them, if nothing real is to.
func (b *Bed) startObjects(aws *cloud.AWS) error {
	kinds, err := b.activated()
	if err != nil {
		return err
	}

	kinds = slices.DeleteFunc(objects.Kinds(), func(k string) bool { return !slices.Contains(kinds, k) })
	if b.o.Workload != Light || len(kinds) == 0 {
		return nil
	}

	d, err := objects.New(b.config, objects.Options{AWS: aws, Kinds: kinds, Log: b.logf})
	if err != nil {
		return fmt.Errorf("cannot start the double of the workload clusters: %w", err)
	}

	b.workload.run(b.ctx, d.Run) //nolint:contextcheck // It outlives the start.

	return nil
}

// run runs something until stop.
func (w *workload) run(ctx context.Context, fn func(context.Context)) {
	ctx, w.cancel = context.WithCancel(ctx)

	w.wg.Go(func() { fn(ctx) })
}

func (w *workload) stop() {
	if w.cancel != nil {
		w.cancel()
		w.wg.Wait()
	}
}

// startWorkload starts the real provider of Objects, in a bed that has it.
func (b *Bed) startWorkload(ctx context.Context) error {
	if b.o.Workload != Real {
		return nil
	}

	return b.StartKubernetesProvider(ctx)
}

// Cluster waits for the Kubernetes side of an EKS cluster of the simulated AWS.
func (b *Bed) Cluster(ctx context.Context, region, name string, limit time.Duration) (workcluster.Cluster, error) {
	out := workcluster.Cluster{}

	if b.workload.fleet == nil {
		return out, errors.New("cannot find a workload cluster: the bed's are not real")
	}

	return out, poll(ctx, limit, 50*time.Millisecond, func(context.Context) error {
		c, ok := b.workload.fleet.Find(region, name)
		if !ok {
			return fmt.Errorf("cluster %s in %s does not answer", name, region)
		}

		out = c

		return nil
	})
}

// StartKubernetesProvider starts provider-kubernetes and waits until it is
// ready. Its flags are those of a DeploymentRuntimeConfig for studios, but for
// the addresses and the poll interval, which is scaled like everything else.
func (b *Bed) StartKubernetesProvider(ctx context.Context) error {
	ctx, cancel := b.within(ctx)
	defer cancel()

	err := b.spawn(kubernetesProvider, b.o.KubernetesProviderBinary, []string{
		"KUBECONFIG=" + b.Kubeconfig(),
		// For its conversion webhook, which nothing here calls.
		"TLS_SERVER_CERTS_DIR=" + b.coreDir("function"),
		"BED_WEBHOOK_PORT=" + strconv.Itoa(b.ports.kubernetesWebhook),
		"BED_METRICS_PORT=" + strconv.Itoa(b.ports.kubernetesMetrics),
	}, []string{
		"--enable-watches",
		"--sanitize-secrets",
		"--poll=" + max(time.Second, time.Duration(float64(kubernetesPoll)/b.o.Scale)).String(),
		"--health-probe-bind-addr=" + loopback(b.ports.kubernetesHealth),
	})
	if err != nil {
		return err
	}

	return awaitOK(ctx, http.DefaultClient, "http://"+loopback(b.ports.kubernetesHealth)+"/readyz")
}

// StopKubernetesProvider kills provider-kubernetes, as a node failure would.
func (b *Bed) StopKubernetesProvider() error { return b.stop(kubernetesProvider, 0) }

// RestartKubernetesProvider replaces provider-kubernetes by a new one.
func (b *Bed) RestartKubernetesProvider(ctx context.Context) error {
	if err := b.StopKubernetesProvider(); err != nil {
		return err
	}

	return b.StartKubernetesProvider(ctx)
}
