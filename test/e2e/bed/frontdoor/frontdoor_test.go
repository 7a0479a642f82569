package frontdoor_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/workload/awstest"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/workload/clustertest"
)

var clusters *clustertest.Clusters

func TestMain(m *testing.M) {
	var err error
	if clusters, err = clustertest.Start(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}

	code := m.Run()
	_ = clusters.Stop()

	os.Exit(code)
}

func deployment(t *testing.T, name, label string, annotations map[string]string) {
	t.Helper()

	labels := map[string]string{"app.kubernetes.io/name": label, "comfyui-studio/pool": "gpu"}
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "comfyui", Labels: labels, Annotations: annotations},
		Spec: appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "example.org/" + name + ":1"}}},
		}},
	}

	if _, err := clusters.Workload.Client.AppsV1().Deployments("comfyui").Create(t.Context(), d, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, ask func(ctx context.Context) error) {
	t.Helper()

	if err := clustertest.Eventually(t.Context(), what, ask); err != nil {
		t.Fatal(err)
	}
}

func replicas(want int32) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		d, err := clusters.Workload.Client.AppsV1().Deployments("comfyui").Get(ctx, "comfyui-gpu", metav1.GetOptions{})
		if err != nil || *d.Spec.Replicas != want || d.Status.ReadyReplicas != want {
			return fmt.Errorf("replicas are %d, ready %d, %w", *d.Spec.Replicas, d.Status.ReadyReplicas, err)
		}

		return nil
	}
}

func told(want string) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		cm, err := clusters.Workload.Client.CoreV1().ConfigMaps("comfyui").Get(ctx, "studio-status", metav1.GetOptions{})
		if err != nil {
			return err
		}

		var w, g any
		if err := json.Unmarshal([]byte(want), &w); err != nil {
			return err
		}

		if err := json.Unmarshal([]byte(cm.Data["status.json"]), &g); err != nil {
			return err
		}

		if diff := cmp.Diff(w, g); diff != "" {
			return fmt.Errorf("-want, +got:\n%s", diff)
		}

		return nil
	}
}

func annotate(t *testing.T, queue string) {
	t.Helper()

	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"bed.comfyui-studio.io/queue":%q}}}`, queue)
	if _, err := clusters.Workload.Client.AppsV1().Deployments("comfyui").Patch(t.Context(), "comfyui-gpu", "application/merge-patch+json", patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestFrontDoor(t *testing.T) {
	s := awstest.New(t, 120)
	s.Play(clusters.Workload.Config)

	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "comfyui"}}
	if _, err := clusters.Workload.Client.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}

	// Without a front door nobody scales and nobody tells.
	deployment(t, "comfyui-gpu", "comfyui", map[string]string{"comfyui-studio/min-servers": "0", "comfyui-studio/max-servers": "2"})
	eventually(t, "the first server, which omitted replicas make", replicas(1))
	time.Sleep(s.Clock().Real(2 * time.Minute))

	if err := replicas(1)(t.Context()); err != nil {
		t.Errorf("Nobody scales without a front door: %v", err)
	}

	deployment(t, "front-door", "front-door", nil)
	eventually(t, "an idle pool sleeps once it has had a server", replicas(0))
	eventually(t, "the report of a pool that sleeps", told(`{"pools":[{"name":"gpu","nodes":0,"serversReady":0,"servers":0,"queue":0,"troubles":[]}],"models":{"declared":0,"present":0,"failed":[]}}`))

	annotate(t, "5")
	eventually(t, "as many servers as the pool may have, and no more", replicas(2))
	eventually(t, "the report of a pool that works", told(`{"pools":[{"name":"gpu","nodes":0,"serversReady":2,"servers":2,"queue":5,"troubles":[]}],"models":{"declared":0,"present":0,"failed":[]}}`))

	annotate(t, "0")
	eventually(t, "no server again", replicas(0))

	if err := s.SetFaults(cloud.Fault{Kind: "Image", Name: "comfyui-gpu*", Operation: cloud.OpCreate, Mode: cloud.Fail, Message: "denied"}); err != nil {
		t.Fatal(err)
	}

	annotate(t, "1")
	eventually(t, "the trouble of a pool", told(`{"pools":[{"name":"gpu","nodes":0,"serversReady":0,"servers":1,"queue":1,"troubles":[{"reason":"ImagePullFailed","message":"Back-off pulling image \"example.org/comfyui-gpu:1\": ErrImagePull: denied"}]}],"models":{"declared":0,"present":0,"failed":[]}}`))
}
