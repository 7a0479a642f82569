package cluster

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// TestRealScale holds the real front door's view of its namespace, and what it does
// there, to a real API server with Kubernetes' own controllers: two raise a pool at
// once, endpoints are followed by the pods' UIDs, and the server goes that was chosen.
func TestRealScale(t *testing.T) {
	const (
		namespace = "scale"
		pool      = "gpu"
		servers   = 3
	)

	client := realCluster(t)
	ctx := t.Context()
	labels := map[string]string{"comfyui-studio/pool": pool}

	if _, err := client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}

	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "comfyui-" + pool, Labels: labels}, Spec: corev1.ServiceSpec{
		Selector: labels, Ports: []corev1.ServicePort{{Port: 8188, TargetPort: intstr.FromInt32(8188)}},
	}}
	if _, err := client.CoreV1().Services(namespace).Create(ctx, service, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}

	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "comfyui-" + pool, Labels: labels}, Spec: appsv1.DeploymentSpec{
		Replicas: new(int32(0)), Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "comfyui", Image: "example.org/comfyui:1"}}}},
	}}
	if _, err := client.AppsV1().Deployments(namespace).Create(ctx, d, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}

	c, err := New(client, namespace)
	if err != nil {
		t.Fatal(err)
	}

	watching, stop := context.WithCancel(ctx)
	defer stop()

	if err := c.Start(watching); err != nil {
		t.Fatal(err)
	}

	raise(t, c, pool, servers)
	eventually(t, "as many pods as both have asked for", pods(c, pool, servers))

	all, err := c.Pods(pool)
	if err != nil {
		t.Fatal(err)
	}

	// Endpoints are of pods on nodes that there are.
	if _, err := client.CoreV1().Nodes().Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: node}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}

	for i, p := range all {
		up(t, client, p, fmt.Sprintf("10.1.2.%d", i+1))
	}

	eventually(t, "endpoints of all pods", endpoints(c, servers, servers))

	// The last one that Kubernetes would take by itself: they are alike but for this.
	chosen := all[servers/2]
	if err := c.Cost(ctx, chosen.Name, Parted); err != nil {
		t.Fatal(err)
	}

	eventually(t, "that one is to go", func(context.Context) error {
		found, err := c.Endpoints()
		for _, e := range found {
			if e.UID == string(chosen.UID) && e.Draining {
				return nil
			}
		}

		return fmt.Errorf("it is not, %w", err)
	})

	// Two leaders for a moment say the same, and one server goes.
	lower(t, c, pool, servers)
	eventually(t, "one pod fewer", pods(c, pool, servers-1))

	left, err := c.Pods(pool)
	if err != nil {
		t.Fatal(err)
	}

	for _, p := range left {
		if goes := p.DeletionTimestamp != nil; goes != (p.UID == chosen.UID) {
			t.Errorf("%s goes: %t, and %s was chosen", p.Name, goes, chosen.Name)
		}
	}

	// No kubelet ends it: it is there still, and gets no new work.
	eventually(t, "an endpoint that leaves", endpoints(c, servers, servers-1))

	if n, err := c.Replicas(ctx, pool); err != nil || n != servers-1 {
		t.Errorf("after two leaders: want %d servers, got %d, %v", servers-1, n, err)
	}
}

// realCluster is an API server with controllers, which the bed's programs are.
func realCluster(t *testing.T) kubernetes.Interface {
	t.Helper()

	const root = "../.."

	if _, err := os.Stat(root + "/_output/bin/controlplane"); err != nil {
		t.Skip("there is no API server: make bed-build builds one")
	}

	cmd := exec.CommandContext(context.Background(), "go", "run", "./cmd/clusters")
	cmd.Dir, cmd.Stderr = root+"/test/e2e/bed", os.Stderr

	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}

	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}

	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}

	path, err := bufio.NewReader(out).ReadString('\n')

	// It takes away what it started when its input ends, which
	// is after the test's context has.
	t.Cleanup(func() {
		_ = in.Close()

		if err := cmd.Wait(); err != nil {
			t.Errorf("the clusters ended: %v", err)
		}
	})

	if err != nil {
		t.Fatalf("cannot start clusters: %v", err)
	}

	c, err := clientcmd.BuildConfigFromFlags("", strings.TrimSpace(path))
	if err != nil {
		t.Fatal(err)
	}

	c.QPS = -1

	client, err := kubernetes.NewForConfig(c)
	if err != nil {
		t.Fatal(err)
	}

	return client
}

// eventually waits for what comes. Who waits in vain is ended by go test, which
// shows where.
func eventually(t *testing.T, what string, is func(ctx context.Context) error) {
	t.Helper()

	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		err := is(t.Context())
		if err == nil {
			return
		}

		if time.Since(began) > 90*time.Second {
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// raise has two front doors ask for servers at once.
func raise(t *testing.T, c *Cluster, pool string, n int32) {
	t.Helper()

	both(t, func() error { return c.AtLeast(t.Context(), pool, n) })
}

// lower has two front doors take one away from as many.
func lower(t *testing.T, c *Cluster, pool string, from int32) {
	t.Helper()

	both(t, func() error { return c.Down(t.Context(), pool, from) })
}

func both(t *testing.T, do func() error) {
	t.Helper()

	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if err := do(); err != nil {
				t.Error(err)
			}
		})
	}

	wg.Wait()
}

func pods(c *Cluster, pool string, want int) func(context.Context) error {
	return func(context.Context) error {
		all, err := c.Pods(pool)

		there := 0

		for _, p := range all {
			if p.DeletionTimestamp == nil {
				there++
			}
		}

		if err != nil || there != want {
			return fmt.Errorf("there are %d, %w", there, err)
		}

		return nil
	}
}

// node is where all pods run.
const node = "node-1"

// up plays scheduler and kubelet: the pod runs at an address.
func up(t *testing.T, client kubernetes.Interface, p *corev1.Pod, address string) {
	t.Helper()

	bind := &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: p.Name}, Target: corev1.ObjectReference{Kind: "Node", Name: node}}
	if err := client.CoreV1().Pods(p.Namespace).Bind(t.Context(), bind, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}

	p, err := client.CoreV1().Pods(p.Namespace).Get(t.Context(), p.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}

	p.Status.Phase, p.Status.PodIP, p.Status.PodIPs = corev1.PodRunning, address, []corev1.PodIP{{IP: address}}
	p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Now()})

	if _, err := client.CoreV1().Pods(p.Namespace).UpdateStatus(t.Context(), p, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func endpoints(c *Cluster, want, ready int) func(context.Context) error {
	return func(context.Context) error {
		all, err := c.Endpoints()

		n := 0

		for _, e := range all {
			if e.Ready && e.Pool == "gpu" {
				n++
			}
		}

		if err != nil || len(all) != want || n != ready {
			return fmt.Errorf("%d endpoints, %d ready, %w", len(all), n, err)
		}

		return nil
	}
}
