// Package workcluster gives each EKS cluster of the simulated AWS a Kubernetes
// API of its own: a kube-apiserver with the controllers that belong to it, from
// the moment AWS begins to make the cluster until it is gone from the ledger.
//
// In front of each API server stands what EKS has there: an endpoint whose
// certificate the cluster's own authority signed, and which lets in who shows a
// token that was issued for this cluster less than fifteen simulated minutes
// ago and whose identity has an access entry. A Fleet issues such tokens: its
// Kubeconfig is for provider.Options.
package workcluster

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"k8s.io/client-go/rest"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/provider"
)

// look is how often the ledger is read for clusters that come and go.
const look = 50 * time.Millisecond

// Options of a Fleet.
type Options struct {
	AWS *cloud.AWS
	// Dir gets a directory per cluster, with certificates and a kubeconfig.
	Dir string
	// LogDir gets a log per process.
	LogDir string
	// Binary is cmd/controlplane, built.
	Binary string
	// Etcd is the URL of the etcd that all clusters share.
	Etcd string
	// Port finds a free port, which stays the Fleet's until FreePort.
	Port     func() (int, error)
	FreePort func(int)
	// OnStart is called when the cluster's API answers, in a goroutine of its
	// own; the context ends with the cluster. The cluster is not gone before
	// OnStart has returned.
	OnStart func(context.Context, Cluster)
	// Died gets the error of a cluster that could not start or a process that
	// ended unasked.
	Died func(error)
	// Log gets a line per cluster that starts or ends.
	Log func(format string, args ...any)
}

// A Cluster is the Kubernetes side of an EKS cluster.
type Cluster struct {
	Name   string
	Region string
	// Namespace of the managed resource.
	Namespace string
	// Admin is a client configuration with every permission and no token, past
	// the endpoint.
	Admin *rest.Config
	// Kubeconfig is the path of a kubeconfig with the same.
	Kubeconfig string
}

// A Fleet is all clusters of an account.
type Fleet struct {
	o Options

	mu      sync.Mutex
	count   int
	running map[key]*running
}

// key tells a cluster from its successor of the same name.
type key struct {
	region  string
	name    string
	created float64
}

// New makes a fleet. Nothing runs before Run.
func New(o Options) *Fleet {
	if o.OnStart == nil {
		o.OnStart = func(context.Context, Cluster) {}
	}

	if o.Log == nil {
		o.Log = func(string, ...any) {}
	}

	return &Fleet{o: o, running: map[key]*running{}}
}

// Run starts and ends clusters as the ledger has them, until the context ends
// and nothing runs any more.
func (f *Fleet) Run(ctx context.Context) {
	t := time.NewTicker(look)
	defer t.Stop()

	for ctx.Err() == nil {
		f.follow(ctx)

		select {
		case <-ctx.Done():
		case <-t.C:
		}
	}

	wg := sync.WaitGroup{}
	defer wg.Wait()

	for k := range f.all() {
		wg.Go(func() { f.end(k) })
	}
}

// follow does what the ledger asks for.
func (f *Fleet) follow(ctx context.Context) {
	known := f.all()

	for _, e := range f.o.AWS.Ledger().Entries {
		if e.Kind != "Cluster" || e.Group != "eks.aws.m.upbound.io" {
			continue
		}

		k := key{e.Region, e.ID, e.Created}
		_, runs := known[k]

		switch {
		case runs && e.State == cloud.StateGone:
			f.end(k)
		case !runs && e.State != cloud.StateGone:
			f.begin(ctx, k, e.Namespace)
		}
	}
}

func (f *Fleet) begin(ctx context.Context, k key, namespace string) {
	f.mu.Lock()
	f.count++
	n := f.count
	f.mu.Unlock()

	// The number keeps a cluster apart from an earlier one of its name, whose
	// objects are still in etcd.
	r, err := f.start(ctx, fmt.Sprintf("eks-%d-%s", n, k.name), Cluster{Name: k.name, Region: k.region, Namespace: namespace})
	if err != nil {
		f.o.Died(fmt.Errorf("cannot start cluster %s: %w", k.name, err))
		// It is not tried again: whoever hears of it ends the bed.
		r = &running{Cluster: Cluster{Name: k.name, Region: k.region}, stop: func() {}}
	}

	f.mu.Lock()
	f.running[k] = r
	f.mu.Unlock()
}

func (f *Fleet) end(k key) {
	f.mu.Lock()
	r := f.running[k]
	delete(f.running, k)
	f.mu.Unlock()

	r.stop()
	f.o.Log("cluster %s ended", k.name)
}

func (f *Fleet) all() map[key]*running {
	f.mu.Lock()
	defer f.mu.Unlock()

	return maps.Clone(f.running)
}

func (f *Fleet) find(region, name string) *running {
	for k, r := range f.all() {
		if k.region == region && k.name == name && r.tokens != nil {
			return r
		}
	}

	return nil
}

// Find is the cluster of that name whose API answers.
func (f *Fleet) Find(region, name string) (Cluster, bool) {
	r := f.find(region, name)
	if r == nil || !r.answers() {
		return Cluster{}, false
	}

	return r.Cluster, true
}

// Clusters are those whose API answers.
func (f *Fleet) Clusters() []Cluster {
	out := []Cluster{}

	for _, r := range f.all() {
		if r.tokens != nil && r.answers() {
			out = append(out, r.Cluster)
		}
	}

	return out
}

// Kubeconfig makes a connection with a fresh token, as provider-aws'
// ClusterAuth does.
func (f *Fleet) Kubeconfig(c provider.Cluster) (provider.Connection, error) {
	r := f.find(c.Region, c.Name)
	if r == nil {
		return provider.Connection{}, fmt.Errorf("cluster %s does not run", c.Name)
	}

	// Whatever the request says, EKS takes a token for fifteen minutes at most.
	token := r.tokens.issue(min(c.TokenLife, maxTokenLife))

	c.Endpoint, c.CA = r.endpoint, r.ca

	return provider.Connection{Endpoint: r.endpoint, CA: r.ca, Kubeconfig: provider.Kubeconfig(c, token)}, nil
}
