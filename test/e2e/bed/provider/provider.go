package provider

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// DefaultVersion of provider-aws that a Provider plays: the first ones after
// v2.5.0 can create security group rules and bucket life cycles.
const DefaultVersion = "v2.6.0"

// brokenVersion never creates them ("Missing Resource Identity After Read").
const brokenVersion = "v2.5.0"

// DefaultPoll is how often a resource that is up to date is observed again.
const DefaultPoll = 10 * time.Minute

// Options configure a Provider.
type Options struct {
	// Kinds to serve; all of Kinds() when empty.
	Kinds []cloud.Kind
	// Version of provider-aws to play; DefaultVersion when empty.
	Version string
	// Poll interval in simulated time; DefaultPoll when zero.
	Poll time.Duration
	// Workers reconcile at the same time; 8 when zero.
	Workers int
	// CheckProviderConfig makes a managed resource fail to connect when the
	// (Cluster)ProviderConfig it names does not exist.
	CheckProviderConfig bool
	// Kubeconfig makes what ClusterAuth writes into its Secret; when nil it
	// points at the cluster's endpoint, where nobody answers.
	Kubeconfig func(Cluster) (Connection, error)
	// Log gets a line per failed API call that nobody else reports; may be nil.
	Log func(format string, args ...any)
}

// A Provider reconciles managed resources until its context ends.
type Provider struct {
	client dynamic.Interface
	aws    *cloud.AWS
	opts   Options
	kinds  map[cloud.Kind]kind
	queue  *queue
	tracks tracks
	// ending are the namespaces that let nothing new in.
	ending sync.Map

	mu        sync.Mutex
	informers map[cloud.Kind]cache.SharedIndexInformer
	// shown is the status fault last shown in a managed resource.
	shown map[key]cloud.Mode
}

// New makes a provider for an API server. Nothing runs before Run.
func New(cfg *rest.Config, aws *cloud.AWS, o Options) (*Provider, error) {
	cfg = rest.CopyConfig(cfg)
	cfg.QPS, cfg.Burst = -1, -1
	client, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("cannot make client: %w", err)
	}
	p := &Provider{
		client: client, aws: aws, opts: o, kinds: map[cloud.Kind]kind{},
		queue:     newQueue(aws.Clock()),
		tracks:    tracks{by: map[types.UID]*track{}},
		informers: map[cloud.Kind]cache.SharedIndexInformer{},
		shown:     map[key]cloud.Mode{},
	}
	for _, k := range kinds() {
		if len(o.Kinds) == 0 || slices.Contains(o.Kinds, k.Kind) {
			p.kinds[k.Kind] = k
		}
	}
	p.defaults()
	return p, nil
}

func (p *Provider) defaults() {
	if p.opts.Version == "" {
		p.opts.Version = DefaultVersion
	}
	if p.opts.Poll == 0 {
		p.opts.Poll = DefaultPoll
	}
	if p.opts.Workers == 0 {
		p.opts.Workers = 8
	}
	if p.opts.Kubeconfig == nil {
		p.opts.Kubeconfig = defaultKubeconfig
	}
	if p.opts.Log == nil {
		p.opts.Log = func(string, ...any) {}
	}
}

// Run reconciles until the context ends, and returns when nothing of it runs
// any more. A Provider runs once.
func (p *Provider) Run(ctx context.Context) error {
	wg := sync.WaitGroup{}
	defer wg.Wait()
	defer p.queue.ShutDown()
	wg.Go(func() { p.watchCRDs(ctx, &wg) })
	wg.Go(func() { p.watchFaults(ctx) })
	for range p.opts.Workers {
		wg.Go(func() { p.work(ctx, &wg) })
	}
	<-ctx.Done()
	return nil
}

// work takes keys off the queue. Background operations join the wait group.
func (p *Provider) work(ctx context.Context, wg *sync.WaitGroup) {
	for {
		k, shutdown := p.queue.Get()
		if shutdown {
			return
		}
		if ctx.Err() == nil {
			p.handle(ctx, wg, k)
		}
		p.queue.Done(k)
	}
}

func (p *Provider) handle(ctx context.Context, wg *sync.WaitGroup, k key) {
	res, err := p.reconcile(ctx, wg, k)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		p.opts.Log("cannot reconcile %s %s/%s: %v", k.kind.Name, k.namespace, k.name, err)
		p.queue.failed(k)
	case res.requeue:
		p.queue.failed(k)
	case res.after > 0:
		p.queue.forget(k)
		p.queue.after(k, res.after)
	default:
		p.queue.forget(k)
	}
}

// watchFaults reconciles what a status fault begins or ends to hit.
func (p *Provider) watchFaults(ctx context.Context) {
	for {
		changed := p.aws.Changed()
		for _, k := range p.cached() {
			mode, _ := p.aws.StatusFault(k.kind, k.owner())
			p.mu.Lock()
			was := p.shown[k]
			p.mu.Unlock()
			if mode != was {
				p.queue.Add(k)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

// cached are the managed resources that the provider watches.
func (p *Provider) cached() []key {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := []key{}
	for kind, inf := range p.informers {
		for _, name := range inf.GetStore().ListKeys() {
			ns, n, err := cache.SplitMetaNamespaceKey(name)
			if err == nil {
				out = append(out, key{kind, ns, n})
			}
		}
	}
	return out
}

func (p *Provider) resource(k cloud.Kind, namespace string) dynamic.ResourceInterface {
	gvr := schema.GroupVersionResource{Group: k.Group(), Version: version, Resource: p.plural(k)}
	return p.client.Resource(gvr).Namespace(namespace)
}

func (p *Provider) plural(k cloud.Kind) string { return p.kinds[k].plural }
