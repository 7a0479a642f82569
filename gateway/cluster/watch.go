// Package cluster is the front door's view of its namespace, and all that it
// changes there: which ComfyUI servers there are, how many there shall be, and
// which of them goes first.
package cluster

import (
	"cmp"
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/comfyui-studio/comfyui-studio/gateway/servers"
)

// Names that the studio's composition gives.
const (
	labelPool = "comfyui-studio/pool"
	container = "comfyui"
	// prefix begins the name of a pool's Deployment.
	prefix    = "comfyui-"
	labelName = "app.kubernetes.io/name"
	frontDoor = "front-door"
)

// A Cluster is a namespace that is watched.
type Cluster struct {
	Client    kubernetes.Interface
	Namespace string

	factory informers.SharedInformerFactory
	slices  discoverylisters.EndpointSliceLister
	pods    corelisters.PodLister
	changed chan struct{}
}

// New watches nothing yet.
func New(client kubernetes.Interface, namespace string) (*Cluster, error) {
	c := &Cluster{Client: client, Namespace: namespace, changed: make(chan struct{}, 1)}
	c.factory = informers.NewSharedInformerFactoryWithOptions(client, 0,
		informers.WithNamespace(namespace),
		informers.WithTransform(slim),
		informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = labelPool }))

	s, p := c.factory.Discovery().V1().EndpointSlices(), c.factory.Core().V1().Pods()
	c.slices, c.pods = s.Lister(), p.Lister()

	for _, informer := range []cache.SharedIndexInformer{s.Informer(), p.Informer()} {
		if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { c.tell() },
			UpdateFunc: func(any, any) { c.tell() },
			DeleteFunc: func(any) { c.tell() },
		}); err != nil {
			return nil, err
		}
	}

	return c, nil
}

// slim drops what takes memory and nobody reads.
func slim(in any) (any, error) {
	if m, ok := in.(metav1.Object); ok {
		m.SetManagedFields(nil)
	}

	if p, ok := in.(*corev1.Pod); ok {
		p.Spec.Volumes, p.Spec.Tolerations = nil, nil
	}

	return in, nil
}

func (c *Cluster) tell() {
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// Start watches until the context ends, and returns when all was seen once.
func (c *Cluster) Start(ctx context.Context) error {
	c.factory.Start(ctx.Done())

	for kind, synced := range c.factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return errors.New("cannot watch " + kind.String())
		}
	}

	return nil
}

// Follow keeps a table of servers equal to the cluster until the context ends.
func (c *Cluster) Follow(ctx context.Context, t *servers.Table, now func() time.Time) {
	for {
		all, err := c.Endpoints()
		if err == nil {
			t.Set(all, now())
		}

		select {
		case <-ctx.Done():
			return
		case <-c.changed:
		}
	}
}

// Endpoints are the servers that there are, by all slices: a pod may be in two for
// a moment. The pod tells how often its server was started, which no slice knows.
func (c *Cluster) Endpoints() ([]servers.Endpoint, error) {
	all, err := c.slices.EndpointSlices(c.Namespace).List(labels.Everything())
	if err != nil {
		return nil, err
	}

	pods, err := c.Pods("")
	if err != nil {
		return nil, err
	}

	byUID := map[string]*corev1.Pod{}
	for _, p := range pods {
		byUID[string(p.UID)] = p
	}

	found := map[string]servers.Endpoint{}

	for _, slice := range all {
		for _, e := range slice.Endpoints {
			one, ok := endpoint(slice, e, byUID)
			if !ok {
				continue
			}

			if before, seen := found[one.UID]; seen {
				one.Ready = one.Ready || before.Ready
			}

			found[one.UID] = one
		}
	}

	out := make([]servers.Endpoint, 0, len(found))
	for _, one := range found {
		out = append(out, one)
	}

	slices.SortFunc(out, func(a, b servers.Endpoint) int { return cmp.Compare(a.Pod, b.Pod) })

	return out, nil
}

func endpoint(slice *discoveryv1.EndpointSlice, e discoveryv1.Endpoint, pods map[string]*corev1.Pod) (servers.Endpoint, bool) {
	if e.TargetRef == nil || len(e.Addresses) == 0 || len(slice.Ports) == 0 || slice.Ports[0].Port == nil {
		return servers.Endpoint{}, false
	}

	pod := pods[string(e.TargetRef.UID)]
	// A pod that was not seen yet comes in a moment, and one of the same name that
	// has another UID is another.
	if pod == nil {
		return servers.Endpoint{}, false
	}

	leaving := pod.DeletionTimestamp != nil || (e.Conditions.Terminating != nil && *e.Conditions.Terminating)

	return servers.Endpoint{
		UID: string(pod.UID), Pod: pod.Name, Pool: pod.Labels[labelPool], Restarts: restarts(pod),
		Addr: net.JoinHostPort(e.Addresses[0], strconv.Itoa(int(*slice.Ports[0].Port))),
		// A condition that is missing means ready (EndpointConditions).
		Ready: !leaving && (e.Conditions.Ready == nil || *e.Conditions.Ready), Leaving: leaving, Draining: Parting(pod),
	}, true
}

func restarts(p *corev1.Pod) int32 {
	for _, s := range p.Status.ContainerStatuses {
		if s.Name == container {
			return s.RestartCount
		}
	}

	return 0
}

// Pods are the pods of a pool, or of all.
func (c *Cluster) Pods(pool string) ([]*corev1.Pod, error) {
	selector := labels.Everything()
	if pool != "" {
		selector = labels.SelectorFromSet(labels.Set{labelPool: pool})
	}

	return c.pods.Pods(c.Namespace).List(selector)
}
