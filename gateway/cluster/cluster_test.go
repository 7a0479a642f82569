package cluster

import (
	"context"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/gateway/servers"
)

// TestNames holds that the names are those of the composition.
func TestNames(t *testing.T) {
	want := []string{plan.LabelPool, plan.ServersPrefix, plan.NameComfyUI, plan.LabelName, plan.NameFrontDoor}
	if diff := cmp.Diff(want, []string{labelPool, prefix, container, labelName, frontDoor}); diff != "" {
		t.Errorf("names: -want, +got:\n%s", diff)
	}
}

func pod(name string, uid types.UID, edits ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "comfyui", UID: uid, Labels: map[string]string{labelPool: "default"}}}
	for _, e := range edits {
		e(p)
	}

	return p
}

func slice(name string, endpoints ...discoveryv1.Endpoint) *discoveryv1.EndpointSlice {
	return &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "comfyui", Labels: map[string]string{labelPool: "default"}},
		Ports:      []discoveryv1.EndpointPort{{Port: new(int32(8188))}}, Endpoints: endpoints,
	}
}

func endpointOf(addr string, uid types.UID, c discoveryv1.EndpointConditions) discoveryv1.Endpoint {
	return discoveryv1.Endpoint{Addresses: []string{addr}, TargetRef: &corev1.ObjectReference{UID: uid}, Conditions: c}
}

// TestEndpoints reads servers off slices and pods.
func TestEndpoints(t *testing.T) {
	yes, no := new(true), new(false)

	cases := map[string]struct {
		reason  string
		objects []runtime.Object
		want    []servers.Endpoint
	}{
		"Ready":   {reason: "One that is ready.", objects: []runtime.Object{pod("a", "1"), slice("s", endpointOf("10.0.0.1", "1", discoveryv1.EndpointConditions{Ready: yes}))}, want: []servers.Endpoint{{UID: "1", Pod: "a", Pool: "default", Addr: "10.0.0.1:8188", Ready: true}}},
		"Unsaid":  {reason: "What is not said is so.", objects: []runtime.Object{pod("a", "1"), slice("s", endpointOf("10.0.0.1", "1", discoveryv1.EndpointConditions{}))}, want: []servers.Endpoint{{UID: "1", Pod: "a", Pool: "default", Addr: "10.0.0.1:8188", Ready: true}}},
		"Blip":    {reason: "One that is not ready is there.", objects: []runtime.Object{pod("a", "1"), slice("s", endpointOf("10.0.0.1", "1", discoveryv1.EndpointConditions{Ready: no}))}, want: []servers.Endpoint{{UID: "1", Pod: "a", Pool: "default", Addr: "10.0.0.1:8188"}}},
		"Leaving": {reason: "One that goes is there still.", objects: []runtime.Object{pod("a", "1"), slice("s", endpointOf("10.0.0.1", "1", discoveryv1.EndpointConditions{Ready: no, Serving: yes, Terminating: yes}))}, want: []servers.Endpoint{{UID: "1", Pod: "a", Pool: "default", Addr: "10.0.0.1:8188", Leaving: true}}},
		"Parting": {reason: "One that shall go gets nothing new.", objects: []runtime.Object{pod("a", "1", func(p *corev1.Pod) { p.Annotations = map[string]string{costAnnotation: "-100"} }), slice("s", endpointOf("10.0.0.1", "1", discoveryv1.EndpointConditions{Ready: yes}))}, want: []servers.Endpoint{{UID: "1", Pod: "a", Pool: "default", Addr: "10.0.0.1:8188", Ready: true, Draining: true}}},
		"Restarts": {reason: "A server that was started again is another.", objects: []runtime.Object{pod("a", "1", func(p *corev1.Pod) {
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "uploader", RestartCount: 7}, {Name: "comfyui", RestartCount: 2}}
		}), slice("s", endpointOf("10.0.0.1", "1", discoveryv1.EndpointConditions{Ready: yes}))}, want: []servers.Endpoint{{UID: "1", Pod: "a", Pool: "default", Restarts: 2, Addr: "10.0.0.1:8188", Ready: true}}},
		"Twice":  {reason: "One may be in two slices for a moment.", objects: []runtime.Object{pod("a", "1"), slice("s", endpointOf("10.0.0.1", "1", discoveryv1.EndpointConditions{Ready: no})), slice("t", endpointOf("10.0.0.1", "1", discoveryv1.EndpointConditions{Ready: yes}))}, want: []servers.Endpoint{{UID: "1", Pod: "a", Pool: "default", Addr: "10.0.0.1:8188", Ready: true}}},
		"Reused": {reason: "An address whose pod is another's is none.", objects: []runtime.Object{pod("a", "2"), slice("s", endpointOf("10.0.0.1", "1", discoveryv1.EndpointConditions{Ready: yes}))}, want: []servers.Endpoint{}},
		"IPv6":   {reason: "Addresses of either kind.", objects: []runtime.Object{pod("a", "1"), slice("s", endpointOf("2001:db8::1", "1", discoveryv1.EndpointConditions{Ready: yes}))}, want: []servers.Endpoint{{UID: "1", Pod: "a", Pool: "default", Addr: "[2001:db8::1]:8188", Ready: true}}},
		"Others": {reason: "Pods of no pool are none of ours.", objects: []runtime.Object{pod("a", "1", func(p *corev1.Pod) { p.Labels = nil }), slice("s", endpointOf("10.0.0.1", "1", discoveryv1.EndpointConditions{Ready: yes}))}, want: []servers.Endpoint{}},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c, err := New(fake.NewClientset(tc.objects...), "comfyui")
			if err != nil {
				t.Fatal(err)
			}

			if err := c.Start(t.Context()); err != nil {
				t.Fatal(err)
			}

			got, err := c.Endpoints()
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Errorf("%s\nEndpoints(): %v, -want, +got:\n%s", tc.reason, err, diff)
			}
		})
	}
}

// scaled is a cluster whose scale has a version, as a real one's.
func scaled(t *testing.T, replicas int32) (*Cluster, func() int32) {
	t.Helper()

	var mu sync.Mutex

	version := 1
	client := fake.NewClientset()

	client.PrependReactor("get", "deployments", func(clienttesting.Action) (bool, runtime.Object, error) {
		mu.Lock()
		defer mu.Unlock()

		return true, &autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Name: "comfyui-default", ResourceVersion: string(rune('0' + version))}, Spec: autoscalingv1.ScaleSpec{Replicas: replicas}}, nil
	})
	client.PrependReactor("update", "deployments", func(a clienttesting.Action) (bool, runtime.Object, error) {
		mu.Lock()
		defer mu.Unlock()

		s, _ := a.(clienttesting.UpdateAction).GetObject().(*autoscalingv1.Scale)
		if s.ResourceVersion != string(rune('0'+version)) {
			return true, nil, apierrors.NewConflict(schema.GroupResource{Resource: "deployments"}, s.Name, nil)
		}

		version++

		replicas = s.Spec.Replicas

		return true, s, nil
	})

	c, err := New(client, "comfyui")
	if err != nil {
		t.Fatal(err)
	}

	return c, func() int32 {
		mu.Lock()
		defer mu.Unlock()

		return replicas
	}
}

// TestScale has many front doors at once, and none undoes what another did.
func TestScale(t *testing.T) {
	cases := map[string]struct {
		reason string
		from   int32
		do     func(ctx context.Context, c *Cluster) error
		want   int32
	}{
		"Up":      {reason: "A pool that sleeps is woken.", from: 0, do: func(ctx context.Context, c *Cluster) error { return c.AtLeast(ctx, "default", 1) }, want: 1},
		"Enough":  {reason: "One that has more keeps them.", from: 3, do: func(ctx context.Context, c *Cluster) error { return c.AtLeast(ctx, "default", 1) }, want: 3},
		"Down":    {reason: "One of three goes, however many decide it at once.", from: 3, do: func(ctx context.Context, c *Cluster) error { return c.Down(ctx, "default", 3) }, want: 2},
		"Changed": {reason: "Nothing goes when the number is another by now.", from: 4, do: func(ctx context.Context, c *Cluster) error { return c.Down(ctx, "default", 3) }, want: 4},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c, replicas := scaled(t, tc.from)

			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					if err := tc.do(t.Context(), c); err != nil {
						t.Error(err)
					}
				})
			}

			wg.Wait()

			if diff := cmp.Diff(tc.want, replicas()); diff != "" {
				t.Errorf("%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestCost writes where a ReplicaSet reads.
func TestCost(t *testing.T) {
	client := fake.NewClientset(pod("a", "1"))

	c, err := New(client, "comfyui")
	if err != nil {
		t.Fatal(err)
	}

	if err := c.Cost(t.Context(), "a", Parted); err != nil {
		t.Fatal(err)
	}

	p, err := client.CoreV1().Pods("comfyui").Get(t.Context(), "a", metav1.GetOptions{})
	if err != nil || !Parting(p) || p.Annotations["controller.kubernetes.io/pod-deletion-cost"] != "-100" {
		t.Errorf("the pod: %v, %v", p.Annotations, err)
	}
}

// TestGuard writes where Karpenter reads, and leaves nothing behind.
func TestGuard(t *testing.T) {
	client := fake.NewClientset(pod("a", "1"))

	c, err := New(client, "comfyui")
	if err != nil {
		t.Fatal(err)
	}

	for _, on := range []bool{true, false} {
		if err := c.Guard(t.Context(), "a", on); err != nil {
			t.Fatal(err)
		}

		p, err := client.CoreV1().Pods("comfyui").Get(t.Context(), "a", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}

		if value, there := p.Annotations["karpenter.sh/do-not-disrupt"]; there != on || Guarded(p) != on || (on && value != "true") {
			t.Errorf("Guard(%t): the pod has %v", on, p.Annotations)
		}
	}
}

// TestTell makes the document, and changes it.
func TestTell(t *testing.T) {
	client := fake.NewClientset()

	c, err := New(client, "comfyui")
	if err != nil {
		t.Fatal(err)
	}

	for _, text := range []string{"one", "two"} {
		if err := c.Tell(t.Context(), "studio-status", map[string]string{"status.json": text}); err != nil {
			t.Fatal(err)
		}

		m, err := client.CoreV1().ConfigMaps("comfyui").Get(t.Context(), "studio-status", metav1.GetOptions{})
		if err != nil || m.Data["status.json"] != text {
			t.Errorf("the document: %v, %v", m, err)
		}
	}
}
