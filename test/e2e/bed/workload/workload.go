// Package workload plays what runs behind a studio's API server: nodes, pods,
// Karpenter and the front door.
//
// The API server, the controllers and the scheduler are real (see
// cmd/controlplane). What needs machines is played: kwok moves pods through
// their phases, the system nodes of each managed node group in the simulated
// AWS appear and leave with it, package karpenter makes GPU nodes, package
// frontdoor scales servers and reports. All durations are simulated time, by
// the clock of the account.
//
// A fault of the account (cloud.Fault) reaches in here too: kind Image,
// operation create, mode fail makes the images whose last path element matches
// the name impossible to pull; kind InitContainer makes the init containers of
// the pods that match fail.
package workload

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/frontdoor"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/karpenter"
)

// Options say whose workload it is.
type Options struct {
	// Admin are credentials for the administrator of the cluster's API server,
	// with the certificates in them.
	Admin *rest.Config
	// Cluster is the name of the EKS cluster, Region where it is.
	Cluster string
	Region  string
	// AWS is the simulated account.
	AWS *cloud.AWS
	// Kwok is the program, built: _output/bin/kwok.
	Kwok string
	// Log gets what kwok prints. Default: nowhere.
	Log *os.File
	// Logf gets a line for what a person would want to know.
	Logf func(format string, args ...any)
}

// Run plays the workload until the context ends or a part of it fails. The
// API server must answer; what it serves may come later.
func Run(ctx context.Context, o Options) error {
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}

	// Nothing here is to be slowed down by its own client.
	o.Admin = rest.CopyConfig(o.Admin)
	o.Admin.QPS = -1
	o.Admin.WarningHandler = rest.NoWarnings{}

	client, err := kubernetes.NewForConfig(o.Admin)
	if err != nil {
		return fmt.Errorf("cannot make a client: %w", err)
	}

	shared := informers.NewSharedInformerFactory(client, 0)
	k := &kubelet{Options: o, client: client, shared: shared}
	s := &systemNodes{Options: o, client: client}

	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return runKwok(ctx, o) })
	g.Go(func() error { return k.run(ctx) })
	g.Go(func() error { return s.run(ctx) })
	g.Go(func() error {
		return karpenter.Run(ctx, karpenter.Options{
			Admin: o.Admin, Cluster: o.Cluster, Region: o.Region, AWS: o.AWS, Logf: o.Logf, Informers: shared,
		})
	})
	g.Go(func() error {
		return frontdoor.Run(ctx, frontdoor.Options{Client: client, Clock: o.AWS.Clock(), Informers: shared, Logf: o.Logf})
	})

	return g.Wait()
}
