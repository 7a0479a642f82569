// Package bed runs a management cluster on one machine without a container
// engine: etcd, the kube-apiserver and the real Crossplane core as child
// processes, a composition function over mutual TLS, and a simulated AWS with
// its provider in this process.
//
// Behind a studio's EKS cluster there is nothing but a double (package
// objects), or, where Options.Workload says Real, a second kube-apiserver with
// nodes, pods and Karpenter, and the real provider-kubernetes and provider-helm.
// Of the times in these two, only the poll interval is simulated: what failed is
// tried again after one real second up to sixty, and what was made less than
// thirty real seconds ago does not go.
//
// Beds do not meet: each has its own directory, ports and certificates, and
// serves on loopback (the core's own ports have no bind flag). Whatever way
// this process ends, its children end with it.
package bed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	fnv1 "github.com/crossplane/crossplane/v2/proto/fn/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/leash"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/packages"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/pki"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/provider"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/wire"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/workcluster"
)

// DefaultScale is how many simulated seconds pass in one real second.
const DefaultScale = 60

// Options say what to start. Only Root is needed.
type Options struct {
	// Root of the repository; FindRoot finds it.
	Root string
	// Dir gets certificates, data, logs and the kubeconfig. Default: a
	// temporary directory, which Stop removes.
	Dir string
	// Scale of the simulated time. Default: DefaultScale.
	Scale float64
	// Faults planted in the simulated AWS before the first request.
	Faults []string
	// Provider has the settings of the simulated provider.
	Provider provider.Options

	// Workload is Light unless told otherwise.
	Workload Workload
	// OnCluster is called for each workload cluster whose API answers; the
	// context ends with the cluster. Real only.
	OnCluster func(context.Context, workcluster.Cluster)

	// ControlPlaneBinary is cmd/controlplane, built.
	// Default: _output/bin/controlplane.
	ControlPlaneBinary string
	// KubernetesProviderBinary, HelmProviderBinary and KwokBinary are
	// provider-kubernetes, provider-helm and kwok, built for the bed.
	// Default: their names in _output/bin.
	KubernetesProviderBinary string
	HelmProviderBinary       string
	KwokBinary               string
	// FunctionBinary is the composition function, built.
	// Default: _output/bin/compose-comfyui.
	FunctionBinary string
	// Function is served from this process in place of FunctionBinary.
	Function fnv1.FunctionRunnerServiceServer
	// FunctionArgs are added to the function's own.
	FunctionArgs []string

	// Packages is a folder of packages, as hack/xpkg writes it. The bed serves them
	// as a registry would, and Crossplane's package manager installs the
	// Configuration with all that it depends on: the function, whose program is
	// taken out of its image, and the providers' kinds. Default: none; APIs,
	// function and kinds are installed one by one, which takes less time.
	Packages string

	// APIs is the directory with definition.yaml, composition.yaml and
	// activation.yaml. Default: apis/comfyuistudios.
	APIs string
	// CRDs are the managed resource kinds to install, as plural.group.
	// Default: what activation.yaml activates.
	CRDs []string

	// RBAC gives the core the permissions that Crossplane's chart and RBAC
	// manager give it, and no others. By default everybody may do everything.
	RBAC bool
	// StockCircuitBreaker leaves the core's circuit breaker at its default
	// settings. By default it is raised out of the way: simulated minutes
	// pass in seconds, and so would its tokens.
	StockCircuitBreaker bool
	// CoreArgs are added to those of the core.
	CoreArgs []string
	// Record puts a recording proxy between core and function, see Wire.
	Record bool

	// Log gets a line for each step. It may be called from any goroutine.
	Log func(format string, args ...any)
}

// Bed is a running management cluster. Its methods may be called from any
// goroutine, but those that stop or restart something only one at a time.
type Bed struct {
	o     Options
	temp  bool // dir is ours to remove
	ports *ports

	kubeconfig []byte
	config     *rest.Config
	client     dynamic.Interface
	mapper     *restmapper.DeferredDiscoveryRESTMapper

	crossplane   string   // the directory with Crossplane's manifests
	caRoot       *pki.CA  // Crossplane's, which signs for core and function
	functionPair pki.Pair // signed by it
	proxy        *wire.Proxy
	double       *double
	behind       behind

	registry *packages.Registry // nil without Options.Packages
	packages []packages.Package
	runtime  behind // plays the package runtime

	mu           sync.Mutex
	procs        map[string]*leash.Process
	stopFunction func() // for a function in this process

	// ctx ends when the bed stops or one of its processes ends unasked, with
	// that as its cause.
	ctx    context.Context //nolint:containedctx // The life of the bed, not of a call.
	cancel context.CancelCauseFunc
	start  time.Time
}

// errStopped is the cause of the end of a bed that was stopped.
var errStopped = errors.New("the bed was stopped")

// Start starts a bed and returns when the XRD is established, ready for the
// first composite resource. The context governs the start only; the bed lives
// until Stop.
func Start(ctx context.Context, o Options) (*Bed, error) {
	b, err := newBed(ctx, o)
	if err != nil {
		return nil, err
	}

	ctx, cancel := b.within(ctx)
	defer cancel()

	steps := b.steps()
	if o.Packages != "" {
		steps = b.packageSteps()
	}

	for _, s := range steps {
		begin := time.Now()

		if err := s.run(ctx); err != nil {
			if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
				err = fmt.Errorf("%w (%w)", cause, err)
			}

			return nil, errors.Join(fmt.Errorf("cannot start the bed: %s: %w", s.name, err), b.Stop())
		}

		b.logf("%5.1fs  %s (%.1fs)", time.Since(b.start).Seconds(), s.name, time.Since(begin).Seconds())
	}

	return b, nil
}

func newBed(ctx context.Context, o Options) (*Bed, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}

	p, err := claimPorts(ctx)
	if err != nil {
		return nil, err
	}

	b := &Bed{o: o, ports: p, procs: map[string]*leash.Process{}, start: time.Now()}
	b.ctx, b.cancel = context.WithCancelCause(context.Background())

	if b.o.Dir == "" {
		b.o.Dir, err = os.MkdirTemp("", "bed-")
		b.temp = true
	}

	if err == nil {
		err = os.MkdirAll(b.LogDir(), 0o755)
	}

	if err != nil {
		p.release()
		return nil, fmt.Errorf("cannot make a directory for the bed: %w", err)
	}

	return b, nil
}

// within ends a context with the bed: a process that dies early must end the
// wait for it.
func (b *Bed) within(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(b.ctx, func() { cancel(context.Cause(b.ctx)) })

	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// step is one thing that Start does. What can be done side by side is one step.
type step struct {
	name string
	run  func(context.Context) error
}

func (b *Bed) steps() []step {
	return []step{
		{"API server answers", b.startAPIServer},
		{"Crossplane's own CRDs established", b.installCrossplane},
		{"managed resource CRDs served, Crossplane initialized", b.together(b.installProviders, b.initCore)},
		{"Crossplane core, function and simulated AWS run", b.together(b.startCore, b.startFunction, b.startDouble, b.startWorkload)},
		{"XRD and composition established", b.installAPIs},
	}
}

// Stop ends all processes, in the order that lets each end cleanly, and
// removes a temporary directory.
func (b *Bed) Stop() error {
	b.cancel(errStopped)

	b.behind.stop()

	errs := []error{b.stopRegistry(), b.stopDouble(), b.stop(kubernetesProvider, 0), b.stop(helmProvider, 0), b.KillFunction(), b.stop("core", 2*time.Second), b.stop("rbac", 0), b.stop("init", 0)}

	if b.proxy != nil {
		b.proxy.Stop()
	}

	// Nothing of the cluster is wanted any more, so it need not shut down
	// orderly: an API server with open watches takes its time.
	errs = append(errs, b.stop("cluster", 0))

	b.ports.release()

	if b.temp {
		errs = append(errs, os.RemoveAll(b.o.Dir))
	}

	return errors.Join(errs...)
}

// Done is closed when the bed ends, by Stop or because a process has died.
func (b *Bed) Done() <-chan struct{} { return b.ctx.Done() }

// Err says why Done is closed: nil after Stop, else which process died.
func (b *Bed) Err() error {
	if err := context.Cause(b.ctx); err != nil && !errors.Is(err, errStopped) {
		return err
	}

	return nil
}

// Dir holds everything the bed writes.
func (b *Bed) Dir() string { return b.o.Dir }

// Kubeconfig is the path of a kubeconfig for the cluster's administrator.
func (b *Bed) Kubeconfig() string { return filepath.Join(b.o.Dir, "kubeconfig") }

// Config for a client as the cluster's administrator, without rate limit.
func (b *Bed) Config() *rest.Config { return rest.CopyConfig(b.config) }

// Client for objects of any kind.
func (b *Bed) Client() dynamic.Interface { return b.client }

// Wire is the recording proxy, or nil without Options.Record.
func (b *Bed) Wire() *wire.Proxy { return b.proxy }

// CoreMetricsURL serves Crossplane's Prometheus metrics.
func (b *Bed) CoreMetricsURL() string {
	return "http://127.0.0.1:" + strconv.Itoa(b.ports.coreMetrics) + "/metrics"
}

func (b *Bed) logf(format string, args ...any) {
	if b.o.Log != nil {
		b.o.Log(format, args...)
	}
}
