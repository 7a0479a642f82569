package workload_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/workload/awstest"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/workload/clustertest"
)

// clusters are started once for the package.
var clusters *clustertest.Clusters

func TestMain(m *testing.M) {
	var err error
	if clusters, err = clustertest.Start(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}

	code := m.Run()

	if err := clusters.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}

	os.Exit(code)
}

// scale makes a simulated minute a second.
const scale = 60

// run plays the workload of a fresh account until the test ends.
func run(t *testing.T) *awstest.Studio {
	t.Helper()

	s := awstest.New(t, scale)
	s.Play(clusters.Workload.Config)

	return s
}

func client() kubernetes.Interface { return clusters.Workload.Client }

func eventually(t *testing.T, what string, ask func(ctx context.Context) error) {
	t.Helper()

	if err := clustertest.Eventually(t.Context(), what, ask); err != nil {
		t.Fatal(err)
	}
}

// systemNodes are the names, zones and readiness of the nodes of a group.
func systemNodes(ctx context.Context) ([]string, error) {
	l, err := client().CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: "eks.amazonaws.com/nodegroup"})
	if err != nil {
		return nil, err
	}

	out := []string{}

	for _, n := range l.Items {
		r := "not ready"
		for _, c := range n.Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
				r = "ready"
			}
		}

		out = append(out, fmt.Sprintf("%s %s %s %s cpu=%s %s", n.Labels["eks.amazonaws.com/nodegroup"], n.Labels[corev1.LabelArchStable],
			n.Labels["topology.k8s.aws/zone-id"], n.Labels[corev1.LabelInstanceTypeStable], n.Status.Capacity.Cpu(), r))
	}

	slices.Sort(out)

	return out, nil
}

func TestSystemNodes(t *testing.T) {
	s := run(t)

	want := []string{
		"system arm64 use1-az1 m7g.large cpu=2 ready",
		"system arm64 use1-az2 m7g.large cpu=2 ready",
	}

	eventually(t, "two nodes of the node group, in both its zones", func(ctx context.Context) error {
		got, err := systemNodes(ctx)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			return fmt.Errorf("-want, +got:\n%s %w", diff, errors.Join(err))
		}

		return nil
	})

	deployment(t, "web", nil)
	eventually(t, "a Deployment that is Available", isAvailable("web", 2))

	// The nodes go with their group, and so do the pods on them.
	s.Delete("system")
	eventually(t, "no node left", func(ctx context.Context) error {
		if got, err := systemNodes(ctx); err != nil || len(got) > 0 {
			return fmt.Errorf("got %v, %w", got, err)
		}

		return nil
	})
	eventually(t, "a Deployment whose pods went with the nodes", func(ctx context.Context) error {
		if err := isAvailable("web", 2)(ctx); err == nil {
			return errors.New("it is still Available")
		}

		l, err := client().CoreV1().Pods("default").List(ctx, metav1.ListOptions{LabelSelector: "app=web"})
		if err != nil {
			return err
		}

		for _, p := range l.Items {
			if p.Spec.NodeName != "" {
				return fmt.Errorf("pod %s is still on node %s", p.Name, p.Spec.NodeName)
			}
		}

		return nil
	})
}

// deployment makes one of two replicas; change may change it first.
func deployment(t *testing.T, name string, change func(*appsv1.Deployment)) {
	t.Helper()

	labels := map[string]string{"app": name}
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(2)), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{
					InitContainers: []corev1.Container{
						{Name: "prepare", Image: "public.ecr.aws/prepare:1"},
						{Name: "sidecar", Image: "public.ecr.aws/sidecar:1", RestartPolicy: new(corev1.ContainerRestartPolicyAlways)},
					},
					Containers: []corev1.Container{{
						Name: "main", Image: "public.ecr.aws/" + name + ":1",
						Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m")}},
					}},
				},
			},
		},
	}
	if change != nil {
		change(d)
	}

	if _, err := client().AppsV1().Deployments("default").Create(t.Context(), d, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		ctx := context.Background()
		_ = client().AppsV1().Deployments("default").Delete(ctx, name, metav1.DeleteOptions{})
		_ = clustertest.Eventually(ctx, "pods gone", func(ctx context.Context) error {
			l, err := client().CoreV1().Pods("default").List(ctx, metav1.ListOptions{LabelSelector: "app=" + name})
			if err != nil || len(l.Items) > 0 {
				return fmt.Errorf("%d pods left: %w", len(l.Items), err)
			}

			return nil
		})
	})
}

func isAvailable(name string, replicas int32) func(context.Context) error {
	return func(ctx context.Context) error {
		d, err := client().AppsV1().Deployments("default").Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}

		if d.Status.AvailableReplicas != replicas {
			return fmt.Errorf("%d of %d replicas are available: %v", d.Status.AvailableReplicas, replicas, d.Status.Conditions)
		}

		return nil
	}
}

func TestOrphan(t *testing.T) {
	run(t)

	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "orphan", Namespace: "default"}, Spec: corev1.PodSpec{
		NodeName: "nowhere", Containers: []corev1.Container{{Name: "main", Image: "example.org/main:1"}},
	}}
	if _, err := client().CoreV1().Pods("default").Create(t.Context(), p, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}

	eventually(t, "a pod gone whose node is not there", func(ctx context.Context) error {
		if _, err := client().CoreV1().Pods("default").Get(ctx, "orphan", metav1.GetOptions{}); !kerrors.IsNotFound(err) {
			return fmt.Errorf("it is there, %w", err)
		}

		return nil
	})
}

func TestPodTroubles(t *testing.T) {
	s := run(t)

	// Waiting is the reason that a pod's container waits for, wherever it is.
	waiting := func(name, reason string) func(context.Context) error {
		return func(ctx context.Context) error {
			l, err := client().CoreV1().Pods("default").List(ctx, metav1.ListOptions{LabelSelector: "app=" + name})
			if err != nil {
				return err
			}

			seen := []string{}

			for _, p := range l.Items {
				for _, st := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
					if st.State.Waiting != nil {
						seen = append(seen, st.State.Waiting.Reason+": "+st.State.Waiting.Message)
					}
				}
			}

			if !slices.ContainsFunc(seen, func(s string) bool { return strings.HasPrefix(s, reason) }) {
				return fmt.Errorf("want %s, got %q", reason, seen)
			}

			return nil
		}
	}

	cases := map[string]struct {
		reason string
		name   string
		fault  cloud.Fault
		want   string
	}{
		"Image": {
			reason: "An image that cannot be pulled keeps its pod in ImagePullBackOff, and no longer than the fault lasts.",
			name:   "pulls",
			fault:  cloud.Fault{Kind: "Image", Name: "pulls*", Operation: cloud.OpCreate, Mode: cloud.Fail, Message: "denied"},
			want:   "ImagePullBackOff: Back-off pulling image \"public.ecr.aws/pulls:1\": ErrImagePull: denied",
		},
		"Init": {
			reason: "So does an init container that fails.",
			name:   "starts",
			fault:  cloud.Fault{Kind: "InitContainer", Name: "starts-*", Operation: cloud.OpCreate, Mode: cloud.Fail, Message: "no models"},
			want:   "CrashLoopBackOff: no models",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if err := s.SetFaults(tc.fault); err != nil {
				t.Fatal(err)
			}

			deployment(t, tc.name, nil)
			eventually(t, tc.reason, waiting(tc.name, tc.want))

			// Nothing comes of it while the fault lasts.
			time.Sleep(s.Clock().Real(2 * time.Minute))

			if err := isAvailable(tc.name, 0)(t.Context()); err != nil {
				t.Errorf("%s\n%v", tc.reason, err)
			}

			s.ClearFaults()
			eventually(t, tc.reason, isAvailable(tc.name, 2))
		})
	}
}

func TestOwnRegistry(t *testing.T) {
	s := run(t)
	repository := s.AccountID() + ".dkr.ecr." + awstest.Region + ".amazonaws.com/comfyui"

	deployment(t, "own", func(d *appsv1.Deployment) {
		d.Spec.Template.Spec.Containers[0].Image = repository + "@sha256:0"
	})

	time.Sleep(s.Clock().Real(time.Minute))

	if err := isAvailable("own", 0)(t.Context()); err != nil {
		t.Errorf("An image of a repository that the account does not have cannot be pulled: %v", err)
	}

	s.Make("{apiVersion: ecr.aws.m, kind: Repository, metadata: {name: comfyui}, spec: {forProvider: {}}}")
	eventually(t, "a Deployment whose image came", isAvailable("own", 2))
}
