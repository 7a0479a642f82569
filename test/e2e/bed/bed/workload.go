package bed

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/helm"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/objects"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/workcluster"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/workload"
)

// The processes of the two providers.
const (
	kubernetesProvider = "provider-kubernetes"
	helmProvider       = "provider-helm"
)

// kubernetesPoll is how often provider-kubernetes looks at what is up to date,
// in simulated time: its default. What is not Ready it looks at every 30 real
// seconds, and what failed at most a real minute later; no flag changes that.
const kubernetesPoll = 10 * time.Minute

// behind is what stands behind the studios' EKS clusters.
type behind struct {
	fleet  *workcluster.Fleet // nil in a light bed
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// startFleet follows an account's EKS clusters, if they are to be real.
func (b *Bed) startFleet(aws *cloud.AWS) {
	if b.o.Workload != Real {
		return
	}

	b.behind.fleet = workcluster.New(workcluster.Options{
		AWS:      aws,
		Dir:      filepath.Join(b.o.Dir, "eks"),
		LogDir:   b.LogDir(),
		Binary:   b.o.ControlPlaneBinary,
		Etcd:     "http://" + loopback(b.ports.etcd),
		Port:     b.ports.take,
		FreePort: b.ports.free,
		OnStart:  func(ctx context.Context, c workcluster.Cluster) { b.runCluster(ctx, aws, c) },
		Died:     func(err error) { b.cancel(err) },
		Log:      b.logf,
	})

	b.behind.run(b.ctx, b.behind.fleet.Run)
}

// runCluster plays what is behind a cluster's API, until the cluster ends.
func (b *Bed) runCluster(ctx context.Context, aws *cloud.AWS, c workcluster.Cluster) {
	wg := sync.WaitGroup{}
	defer wg.Wait()

	if b.o.OnCluster != nil {
		wg.Go(func() { b.o.OnCluster(ctx, c) })
	}

	out, err := os.OpenFile(b.logFile("kwok-"+c.Name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		b.cancel(fmt.Errorf("cannot open the log of the workload of %s: %w", c.Name, err))
		return
	}
	defer out.Close()

	err = workload.Run(ctx, workload.Options{
		Admin: c.Admin, Cluster: c.Name, Region: c.Region, AWS: aws, Kwok: b.o.KwokBinary, Log: out, Logf: b.logf,
	})
	if err != nil && ctx.Err() == nil {
		b.cancel(fmt.Errorf("the workload of cluster %s ended: %w", c.Name, err))
	}
}

// startObjects plays the providers of Objects and Releases and the clusters
// behind them, if nothing real is to.
func (b *Bed) startObjects(aws *cloud.AWS) error {
	if b.o.Workload != Light {
		return nil
	}

	d, err := objects.New(b.config, objects.Options{AWS: aws, Log: b.logf})
	if err != nil {
		return fmt.Errorf("cannot start the double of the workload clusters: %w", err)
	}

	b.behind.run(b.ctx, d.Run)

	return nil
}

// run runs something until stop.
func (w *behind) run(ctx context.Context, fn func(context.Context)) {
	ctx, w.cancel = context.WithCancel(ctx)

	w.wg.Go(func() { fn(ctx) })
}

func (w *behind) stop() {
	if w.cancel != nil {
		w.cancel()
		w.wg.Wait()
	}
}

// startWorkload starts the real providers of Objects and Releases, in a bed
// that has them.
func (b *Bed) startWorkload(ctx context.Context) error {
	if b.o.Workload != Real {
		return nil
	}

	if err := helm.FillCache(ctx, helm.CacheDir(b.o.HelmProviderBinary)); err != nil {
		return fmt.Errorf("cannot fill the cache of charts: %w", err)
	}

	return errors.Join(b.StartHelmProvider(), b.StartKubernetesProvider(ctx))
}

// StartHelmProvider starts provider-helm.
func (b *Bed) StartHelmProvider() error {
	return b.spawn(helmProvider, b.o.HelmProviderBinary, helm.Env(b.Kubeconfig()), helm.Args(b.o.Scale))
}

// StopHelmProvider kills provider-helm, as a node failure would.
func (b *Bed) StopHelmProvider() error { return b.stop(helmProvider, 0) }

// RestartHelmProvider replaces provider-helm by a new one.
func (b *Bed) RestartHelmProvider() error {
	if err := b.StopHelmProvider(); err != nil {
		return err
	}

	return b.StartHelmProvider()
}

// Cluster waits for the Kubernetes side of an EKS cluster of the simulated AWS.
func (b *Bed) Cluster(ctx context.Context, region, name string, limit time.Duration) (workcluster.Cluster, error) {
	out := workcluster.Cluster{}

	if b.behind.fleet == nil {
		return out, errors.New("cannot find a workload cluster: the bed's are not real")
	}

	return out, poll(ctx, limit, 50*time.Millisecond, func(context.Context) error {
		c, ok := b.behind.fleet.Find(region, name)
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
