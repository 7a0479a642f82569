// Package run puts the front door together and keeps it running: it serves traffic
// on one port, and health, metrics and its peers on another.
package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
	_ "time/tzdata" // Schedules name zones, and the image has no files of them.

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/comfyui-studio/comfyui-studio/gateway/cluster"
	"github.com/comfyui-studio/comfyui-studio/gateway/config"
	"github.com/comfyui-studio/comfyui-studio/gateway/door"
	"github.com/comfyui-studio/comfyui-studio/gateway/keep"
	"github.com/comfyui-studio/comfyui-studio/gateway/login"
	"github.com/comfyui-studio/comfyui-studio/gateway/metric"
	"github.com/comfyui-studio/comfyui-studio/gateway/nodes"
	"github.com/comfyui-studio/comfyui-studio/gateway/peer"
	"github.com/comfyui-studio/comfyui-studio/gateway/secret"
	"github.com/comfyui-studio/comfyui-studio/gateway/servers"
	"github.com/comfyui-studio/comfyui-studio/gateway/status"
	"github.com/comfyui-studio/comfyui-studio/gateway/wake"
)

const (
	// configEvery and secretEvery are how often those are read again.
	configEvery = 10 * time.Second
	secretEvery = 15 * time.Second
	// The lease of who keeps the pools.
	leaseFor, leaseRenew, leaseRetry = 15 * time.Second, 10 * time.Second, 2 * time.Second
	leaseName                        = "front-door"
	// toServer is how long connections to servers are kept idle: less than a server
	// keeps them.
	toServer = 45 * time.Second
)

// Options are what differs between a studio's cluster and a test.
type Options struct {
	// ConfigFile is the mounted configuration.
	ConfigFile string
	// Traffic and Health are where to listen.
	Traffic, Health net.Listener
	// HealthPort is where other front doors listen for us.
	HealthPort int
	Kubernetes kubernetes.Interface
	// Namespace, Pod and Address are our own.
	Namespace, Pod, Address string
	// Parameters has the secrets, of the region that the configuration names.
	Parameters func(ctx context.Context, region string) (secret.Source, error)
	// Models reads what nodes say in a bucket of their models; nil where there is none.
	Models func(ctx context.Context, region, bucket string) (*nodes.Reader, error)
	// Notice is how long the load balancer takes to see that we leave.
	Notice time.Duration
	Log    *slog.Logger
}

// Notice is what the studio's load balancer takes.
const Notice = noticing

// A front is what is put together.
type front struct {
	Options

	config  *config.File
	secrets *secret.Store
	cluster *cluster.Cluster
	table   *servers.Table
	waker   *wake.Waker
	peers   *peer.Client
	door    *door.Door
	health  *health
	metrics *metric.Metrics
}

// Run serves until the context ends, and then leaves in good order.
func Run(ctx context.Context, o Options) error {
	f, err := build(ctx, o)
	if err != nil {
		return err
	}

	var wg sync.WaitGroup

	// What works in the background goes on while we leave.
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer func() {
		stop()
		wg.Wait()
	}()

	// A cluster that does not answer is waited for no longer than we shall run.
	starting := context.AfterFunc(ctx, stop)
	if err := f.cluster.Start(work); err != nil {
		return err
	}

	starting()

	wg.Go(func() { f.config.Watch(work, configEvery, o.Log) })
	wg.Go(func() { f.secrets.Watch(work, secretEvery, o.Log) })
	wg.Go(func() { f.cluster.Follow(work, f.table, time.Now) })
	wg.Go(func() { servers.Poller{Table: f.table, Client: f.client()}.Run(work) })
	wg.Go(func() { f.door.Move(work) })
	// Nobody leads who leaves.
	wg.Go(func() { f.lead(ctx) })

	traffic, side := trafficServer(f.door, o.Log), trafficServer(f.side(), o.Log)
	failed := make(chan error, 2)

	go serve(traffic, o.Traffic, failed)
	go serve(side, o.Health, failed)

	o.Log.Info("the front door is open", "studio", f.config.Config().Studio, "traffic", o.Traffic.Addr().String(), "health", o.Health.Addr().String())

	select {
	case err := <-failed:
		return fmt.Errorf("cannot serve: %w", err)
	case <-ctx.Done():
	}

	f.health.leave(traffic, f.door, o.Log, o.Notice) //nolint:contextcheck // Its own has ended.

	return side.Close()
}

func build(ctx context.Context, o Options) (*front, error) {
	f := &front{Options: o, table: servers.NewTable()}

	var err error
	if f.config, err = config.Open(o.ConfigFile); err != nil {
		return nil, err
	}

	source, err := o.Parameters(ctx, f.config.Config().Region)
	if err != nil {
		return nil, err
	}

	if f.secrets, err = secret.Open(ctx, source, f.config.Config); err != nil {
		return nil, err
	}

	if f.cluster, err = cluster.New(o.Kubernetes, o.Namespace); err != nil {
		return nil, err
	}

	f.waker = wake.New(f.cluster, o.Log, time.Now)
	f.health = &health{ready: f.table.Synced}
	f.peers = &peer.Client{
		Self: o.Address, Key: f.key, Port: o.HealthPort, HTTP: f.client(), Now: time.Now,
		Peers: func(ctx context.Context) ([]string, error) { return f.cluster.FrontDoors(ctx, o.Address) },
	}

	f.metrics = metric.New(f.table, metric.Sockets{Joined: func() int { return f.door.Sockets() }, Parked: func() int { return f.door.Parked() }}, time.Now)
	f.waker.Seen = f.metrics.Woken
	write := logged(o.Log)
	f.door = door.New(door.Options{
		Config: f.config.Config, Secrets: f.secrets.Secrets, Table: f.table, Waker: f.waker, Peers: f.peers, Transport: transport(), Log: o.Log, Now: time.Now,
		Desk: login.New(f.config.Config, f.secrets.Secrets, &http.Client{Transport: transport()}, o.Log),
		Seen: func(a door.Answer) { f.metrics.Take(a); write(a) }, Waited: f.metrics.Waited,
	})

	return f, nil
}

// side is what is on the port of health checks.
func (f *front) side() http.Handler {
	return f.health.routes(f.metrics.Handler(), &peer.Server{
		Key: f.key, Activity: f.activity, Drop: f.door.Drop, Hold: f.door.Hold, Now: time.Now,
	})
}

func (f *front) key() []byte { return f.secrets.Secrets().Peers }

func (f *front) activity() peer.Activity {
	out := peer.Activity{}
	for _, p := range f.config.Config().Pools {
		out[p.Name], _ = f.waker.Active(p.Name)
	}

	return out
}

// active is when somebody was at work last, at whichever front door.
func (f *front) active(ctx context.Context, pool string) (time.Time, string, error) {
	at, who := f.waker.Active(pool)

	others, err := f.peers.Activity(ctx)
	for _, other := range others {
		if other[pool].After(at) {
			at, who = other[pool], "somebody is at work at the other front door"
		}
	}

	return at, who, err
}

// lead keeps the pools while nobody else does.
func (f *front) lead(ctx context.Context) {
	lock := &resourcelock.LeaseLock{
		LeaseMeta: metav1.ObjectMeta{Namespace: f.Namespace, Name: leaseName}, Client: f.Kubernetes.CoordinationV1(),
		LockConfig: resourcelock.ResourceLockConfig{Identity: f.Pod},
	}

	for ctx.Err() == nil {
		leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
			Lock: lock, LeaseDuration: leaseFor, RenewDeadline: leaseRenew, RetryPeriod: leaseRetry, ReleaseOnCancel: true, Name: leaseName,
			Callbacks: leaderelection.LeaderCallbacks{
				OnStartedLeading: func(ctx context.Context) {
					k := &keep.Keeper{Config: f.config.Config, Cluster: f.cluster, Table: f.table, Active: f.active, Log: f.Log, Now: time.Now}
					t := &status.Teller{Config: f.config.Config, Cluster: f.cluster, Table: f.table, Log: f.Log, Now: time.Now, Models: f.models()}

					var wg sync.WaitGroup
					wg.Go(func() { t.Run(ctx) })
					k.Run(ctx)
					wg.Wait()
				},
				OnStoppedLeading: func() { f.Log.Info("this front door keeps the pools no more") },
			},
		})
	}
}

// models tells how nodes' models are. The bucket is known once the configuration
// names it, and does not change.
func (f *front) models() func(context.Context) (*nodes.Summary, error) {
	var reader *nodes.Reader

	return func(ctx context.Context) (*nodes.Summary, error) {
		c := f.config.Config()
		if f.Models == nil || c.Artefacts == "" {
			return nil, nil // Nobody knows, which is no failure.
		}

		if reader == nil {
			var err error
			if reader, err = f.Models(ctx, c.Region, c.Artefacts); err != nil {
				return nil, err
			}
		}

		s, err := reader.Read(ctx)
		if err != nil {
			return nil, err
		}

		return &s, nil
	}
}

func (*front) client() *http.Client { return &http.Client{Transport: transport()} }

// transport speaks to servers: HTTP/1 alone, and as it came.
func transport() *http.Transport {
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		MaxIdleConnsPerHost:   32,
		MaxConnsPerHost:       64,
		IdleConnTimeout:       toServer,
		ResponseHeaderTimeout: time.Minute,
		DisableCompression:    true,
		// A proxy of the environment would see everything.
		Proxy: nil,
	}
}

// FromEnvironment are the names that the pod tells of itself.
func FromEnvironment(o Options) (Options, error) {
	o.Pod, o.Namespace, o.Address = os.Getenv("POD_NAME"), os.Getenv("POD_NAMESPACE"), os.Getenv("POD_IP")
	if o.Pod == "" || o.Namespace == "" || o.Address == "" {
		return o, errors.New("cannot tell who this is: POD_NAME, POD_NAMESPACE and POD_IP must be set")
	}

	return o, nil
}
