package workcluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"time"

	"k8s.io/client-go/rest"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/pki"
)

// running is a cluster with its processes.
type running struct {
	Cluster

	endpoint string // URL
	ca       []byte
	tokens   *tokens // nil when the cluster could not start
	ready    chan struct{}
	stop     func()
}

func (r *running) answers() bool {
	select {
	case <-r.ready:
		return true
	default:
		return false
	}
}

// start starts a cluster's API server and its endpoint, and sees to the rest
// once the API answers.
func (f *Fleet) start(ctx context.Context, id string, c Cluster) (*running, error) {
	ports, err := f.ports(2)
	if err != nil {
		return nil, err
	}

	dir := filepath.Join(f.o.Dir, id)

	cred, err := issue(dir, "https://127.0.0.1:"+strconv.Itoa(ports[0]))
	if err != nil {
		return nil, err
	}

	c.Admin, c.Kubeconfig = cred.admin, cred.kubeconfig

	ctx, cancel := context.WithCancel(ctx)
	r := &running{
		Cluster: c, ca: cred.ca, ready: make(chan struct{}),
		endpoint: "https://127.0.0.1:" + strconv.Itoa(ports[1]),
		tokens:   newTokens(f.o.AWS.Clock().Now),
	}

	g := &group{ctx: ctx, id: id, binary: f.o.Binary, logs: f.o.LogDir, died: f.o.Died}
	r.stop = func() {
		cancel()

		if err := g.end(); err != nil {
			f.o.Log("%v", err)
		}

		for _, p := range ports {
			f.o.FreePort(p)
		}
	}

	err = f.serve(ctx, r, cred.pair, ports[1])
	if err == nil {
		err = g.spawn("api", "eks", "--dir="+dir, "--port="+strconv.Itoa(ports[0]),
			"--etcd="+f.o.Etcd, "--etcd-prefix=/"+id, "--kubeconfig="+c.Kubeconfig)
	}

	if err != nil {
		r.stop()
		return nil, err
	}

	g.wg.Go(func() { f.finish(ctx, g, r) })

	return r, nil
}

func (f *Fleet) serve(ctx context.Context, r *running, pair pki.Pair, port int) error {
	return endpoint{
		Listen: "127.0.0.1:" + strconv.Itoa(port),
		Pair:   pair,
		Admin:  r.Admin,
		Ready:  r.ready,
		Allowed: func(authorization string) bool {
			return r.tokens.valid(authorization) && f.knows(r.Cluster)
		},
	}.serve(ctx)
}

// knows tells whether the provider's identity has an access entry. EKS makes
// one for who creates a cluster, if asked to.
func (f *Fleet) knows(c Cluster) bool {
	_, err := f.o.AWS.Visit(cloud.Call{
		Kind: cloud.Kind{Service: "eks", Name: "AccessEntry"},
		ID:   c.Name + ":arn:aws:iam::" + f.o.AWS.AccountID() + ":role/crossplane-provider-aws",
		Args: cloud.Values{"region": c.Region},
	})

	return !cloud.IsNotFound(err)
}

// finish waits for the API server, starts what works with it, and hands the
// cluster out.
func (f *Fleet) finish(ctx context.Context, g *group, r *running) {
	begin := time.Now()

	err := awaitReady(ctx, r.Admin)
	if err == nil {
		err = g.spawn("workers", "workers", "--kubeconfig="+r.Kubeconfig)
	}

	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		f.o.Died(fmt.Errorf("cannot start cluster %s: %w\n%s", r.Name, err, g.tail("api")))
		return
	}

	close(r.ready)
	f.o.Log("cluster %s answers (%.1fs)", r.Name, time.Since(begin).Seconds())
	f.o.OnStart(ctx, r.Cluster)
}

func awaitReady(ctx context.Context, admin *rest.Config) error {
	c, err := rest.HTTPClientFor(admin)
	if err != nil {
		return fmt.Errorf("cannot make an HTTP client: %w", err)
	}

	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()

	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, admin.Host+"/readyz", nil)
		if err != nil {
			return fmt.Errorf("cannot ask whether the API server is ready: %w", err)
		}

		rsp, err := c.Do(req)
		if err == nil {
			_ = rsp.Body.Close()

			if rsp.StatusCode == http.StatusOK {
				return nil
			}

			err = errors.New(rsp.Status)
		}

		select {
		case <-ctx.Done():
			return fmt.Errorf("the API server does not get ready: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (f *Fleet) ports(n int) ([]int, error) {
	out := []int{}

	for range n {
		p, err := f.o.Port()
		if err != nil {
			return nil, err
		}

		out = append(out, p)
	}

	return out, nil
}
