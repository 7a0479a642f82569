// Package runtest is a studio's cluster for tests of the whole front door: its
// Deployment starts a ComfyUI for each server that it is scaled to.
package runtest

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comfyui-studio/comfyui-studio/internal/comfytest"
)

const (
	// Namespace is the studio's, and pool its only pool.
	Namespace = "comfyui"
	pool      = "default"
)

// A Cluster is what the front door sees of its namespace.
type Cluster struct {
	*testing.T
	*fake.Clientset

	// Wrap is put around each server. It may be missing.
	Wrap func(http.Handler) http.Handler
	// Hold keeps pods from becoming ready by themselves.
	Hold bool
	// Tick is what a server's slow steps take.
	Tick time.Duration

	starting sync.WaitGroup
	// one keeps two that scale from starting the same server.
	one      sync.Mutex
	mu       sync.Mutex
	replicas int32
	scales   int
	made     int
	servers  map[string]server
}

// A server is a ComfyUI and where it listens.
type server struct {
	*comfytest.Server

	front *httptest.Server
}

// New is a cluster without a server.
func New(t *testing.T) *Cluster {
	t.Helper()

	// The newer one holds the schemas of all of Kubernetes in memory, which a front
	// door does not, and nothing is applied here.
	k := &Cluster{
		T: t, Tick: time.Millisecond, servers: map[string]server{},
		Clientset: fake.NewSimpleClientset(&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "comfyui-" + pool, Namespace: Namespace, Labels: labels()}}),
	}

	t.Cleanup(func() {
		k.starting.Wait()

		for name := range k.all() {
			k.end(name)
		}
	})

	k.PrependReactor("get", "deployments", func(a clienttesting.Action) (bool, runtime.Object, error) {
		if a.GetSubresource() != "scale" {
			return false, nil, nil
		}

		k.mu.Lock()
		defer k.mu.Unlock()

		return true, &autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Name: "comfyui-" + pool, Namespace: Namespace}, Spec: autoscalingv1.ScaleSpec{Replicas: k.replicas}}, nil
	})
	k.PrependReactor("update", "deployments", func(a clienttesting.Action) (bool, runtime.Object, error) {
		if a.GetSubresource() != "scale" {
			return false, nil, nil
		}

		s, _ := a.(clienttesting.UpdateAction).GetObject().(*autoscalingv1.Scale)

		k.mu.Lock()
		k.replicas = s.Spec.Replicas
		k.scales++
		k.mu.Unlock()

		// The clientset is locked meanwhile.
		k.starting.Go(func() { k.Start(int(s.Spec.Replicas)) })

		return true, s, nil
	})

	return k
}

func labels() map[string]string { return map[string]string{"comfyui-studio/pool": pool} }

// Scales is how often the Deployment was scaled.
func (k *Cluster) Scales() int {
	k.mu.Lock()
	defer k.mu.Unlock()

	return k.scales
}

// Start brings servers up until there are so many, each with a ComfyUI of its own.
func (k *Cluster) Start(n int) {
	k.one.Lock()
	defer k.one.Unlock()

	for len(k.all()) < n {
		s, err := comfytest.New(comfytest.Options{Directory: k.TempDir(), Tick: k.Tick})
		if err != nil {
			k.Error(err)
			return
		}

		handler := http.Handler(s)
		if k.Wrap != nil {
			handler = k.Wrap(s)
		}

		k.mu.Lock()
		name := fmt.Sprintf("server-%d", k.made)
		k.made++
		k.servers[name] = server{s, httptest.NewServer(handler)}
		k.mu.Unlock()

		k.Add(name, strings.TrimPrefix(k.servers[name].front.URL, "http://"))
	}
}

// Stop takes all servers away, as a pool does that is put to sleep.
func (k *Cluster) Stop() {
	k.mu.Lock()
	k.replicas = 0
	k.mu.Unlock()

	ctx := context.Background()

	for name := range k.all() {
		if err := k.DiscoveryV1().EndpointSlices(Namespace).Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
			k.Error(err)
		}

		if err := k.CoreV1().Pods(Namespace).Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
			k.Error(err)
		}

		k.end(name)
	}
}

// Server is the ComfyUI of a pod that runs.
func (k *Cluster) Server() (string, *comfytest.Server) {
	for name, s := range k.all() {
		return name, s.Server
	}

	return "", nil
}

// Change has the kubelet tell of a pod, and endpoints follow.
func (k *Cluster) Change(name string, change func(*corev1.PodStatus)) {
	ctx := context.Background()

	p, err := k.CoreV1().Pods(Namespace).Get(ctx, name, metav1.GetOptions{})
	if err == nil {
		change(&p.Status)
		_, err = k.CoreV1().Pods(Namespace).UpdateStatus(ctx, p, metav1.UpdateOptions{})
	}

	if err != nil {
		k.Error(err)
		return
	}

	slice, err := k.DiscoveryV1().EndpointSlices(Namespace).Get(ctx, name, metav1.GetOptions{})
	if err == nil {
		slice.Endpoints[0].Conditions.Ready = new(ready(p))
		_, err = k.DiscoveryV1().EndpointSlices(Namespace).Update(ctx, slice, metav1.UpdateOptions{})
	}

	if err != nil {
		k.Error(err)
	}
}

// Add shows a server that listens somewhere.
func (k *Cluster) Add(name, addr string) {
	host, text, _ := net.SplitHostPort(addr)
	port, _ := strconv.ParseInt(text, 10, 32)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: Namespace, UID: types.UID("uid-" + name), Labels: labels(), CreationTimestamp: metav1.Now()}}

	if !k.Hold {
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	}

	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: Namespace, Labels: labels()},
		Ports:      []discoveryv1.EndpointPort{{Port: new(int32(port))}},
		Endpoints: []discoveryv1.Endpoint{{
			Addresses: []string{host}, TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: name, UID: pod.UID},
			Conditions: discoveryv1.EndpointConditions{Ready: new(ready(pod))},
		}},
	}

	ctx := context.Background()

	if _, err := k.CoreV1().Pods(Namespace).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		k.Error(err)
	}

	if _, err := k.DiscoveryV1().EndpointSlices(Namespace).Create(ctx, slice, metav1.CreateOptions{}); err != nil {
		k.Error(err)
	}
}

func ready(p *corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}

	return false
}

func (k *Cluster) all() map[string]server {
	k.mu.Lock()
	defer k.mu.Unlock()

	return maps.Clone(k.servers)
}

func (k *Cluster) end(name string) {
	k.mu.Lock()
	s := k.servers[name]
	delete(k.servers, name)
	k.mu.Unlock()

	s.Close()
	s.front.CloseClientConnections()
	s.front.Close()
}
