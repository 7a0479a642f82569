package helm_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestKarpenter(t *testing.T) {
	login(t, "fresh", "fresh")

	values := `{fullnameOverride: karpenter, serviceAccount: {name: karpenter}, replicas: 1, settings: {clusterName: studio, interruptionQueue: q}, controller: {env: [{name: AWS_REGION, value: us-east-1}]}}`
	if err := apply(t.Context(), release("karpenter", karpenterChart, everything, values)); err != nil {
		t.Fatal(err)
	}

	condition(t, "karpenter", "Ready", "True", "Available")

	d, err := clusters.Workload.Client.AppsV1().Deployments("kube-system").Get(t.Context(), "karpenter", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}

	env := map[string]string{}
	for _, e := range d.Spec.Template.Spec.Containers[0].Env {
		env[e.Name] = e.Value
	}

	for k, want := range map[string]string{"CLUSTER_NAME": "studio", "INTERRUPTION_QUEUE": "q", "AWS_REGION": "us-east-1"} {
		if env[k] != want {
			t.Errorf("The chart's values reach the container: want %s=%s, got %q", k, want, env[k])
		}
	}

	if got, want := d.Spec.Template.Spec.Containers[0].Image, "public.ecr.aws/karpenter/controller:1.14.1"; got != want {
		t.Errorf("The chart runs the version it is: want %s, got %s", want, got)
	}

	// The chart brings Karpenter's kinds.
	if _, err := clusters.Workload.Client.Discovery().ServerResourcesForGroupVersion("karpenter.k8s.aws/v1"); err != nil {
		t.Errorf("The chart installs CRDs: %v", err)
	}

	u, err := releases().Get(t.Context(), "karpenter", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}

	if state, _, _ := unstructured.NestedString(u.Object, "status", "atProvider", "state"); state != "deployed" {
		t.Errorf("want state deployed, got %q", state)
	}

	remove(t, "karpenter")

	if got := deployments(t.Context()); slices.Contains(got, "karpenter") {
		t.Errorf("A release that goes uninstalls its chart: %v", got)
	}
}

func TestRefused(t *testing.T) {
	login(t, "fresh", "fresh")

	cases := map[string]struct {
		reason, chart, values, want string
	}{
		"Key": {
			"A value that the chart does not know is refused.",
			karpenterChart, `{settings: {clusterName: studio, interuptionQueue: q}}`, "interuptionQueue",
		},
		"Required": {
			"A value that the chart demands is demanded.",
			karpenterChart, `{}`, "Chart cannot be installed without a valid settings.clusterName!",
		},
		"Version": {
			"A version that there is not cannot be pulled.",
			`{name: karpenter, repository: oci://public.ecr.aws/karpenter, version: 1.99.0}`, `{}`, "failed to pull chart",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			id := "refused-" + strings.ToLower(name)
			if err := apply(t.Context(), release(id, tc.chart, everything, tc.values)); err != nil {
				t.Fatal(err)
			}

			t.Log(tc.reason)
			condition(t, id, "Synced", "False", tc.want)
			remove(t, id)
		})
	}
}

func TestToken(t *testing.T) {
	// The token in the Secret is old: nothing happens, until it is written anew.
	login(t, "old", "new")

	if err := apply(t.Context(), release("plugin", pluginChart, keeps, `{affinity: null}`)); err != nil {
		t.Fatal(err)
	}

	condition(t, "plugin", "Synced", "False", "the server has asked for the client to provide credentials")
	login(t, "new", "new")
	condition(t, "plugin", "Ready", "True", "Available")

	ds, err := clusters.Workload.Client.AppsV1().DaemonSets("kube-system").Get(t.Context(), "plugin-nvidia-device-plugin", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}

	if ds.Spec.Template.Spec.Affinity != nil {
		t.Errorf("affinity: null takes the chart's default away, got %v", ds.Spec.Template.Spec.Affinity)
	}

	// Without Delete in its policies a release goes at once, and leaves what it
	// installed, also when nobody could connect.
	login(t, "old", "new")
	remove(t, "plugin")

	if _, err := clusters.Workload.Client.AppsV1().DaemonSets("kube-system").Get(t.Context(), "plugin-nvidia-device-plugin", metav1.GetOptions{}); err != nil {
		t.Errorf("A release without Delete leaves its chart: %v", err)
	}
}

func TestWedged(t *testing.T) {
	login(t, "fresh", "fresh")

	if err := apply(t.Context(), release("wedged", pluginChart, everything, `{fullnameOverride: wedged}`)); err != nil {
		t.Fatal(err)
	}

	condition(t, "wedged", "Ready", "True", "Available")

	secrets := management.Resource(corev1.SchemeGroupVersion.WithResource("secrets")).Namespace("art")
	if err := secrets.Delete(t.Context(), "kubeconfig", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}

	if err := releases().Delete(t.Context(), "wedged", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}

	condition(t, "wedged", "Synced", "False", "cannot get")

	// With its credentials back it goes.
	login(t, "fresh", "fresh")
	eventually(t, "release gone", func(ctx context.Context) error {
		if _, err := releases().Get(ctx, "wedged", metav1.GetOptions{}); err == nil {
			return errors.New("it is there")
		}

		return nil
	})
}
