package karpenter_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/workload/awstest"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/workload/clustertest"
)

// A bench is a studio whose workload is played.
type bench struct {
	*testing.T
	*awstest.Studio
}

func newBench(t *testing.T, without ...string) *bench {
	t.Helper()

	b := &bench{t, awstest.New(t, scale)}
	b.Play(clusters.Workload.Config)

	b.Permit(without...)
	b.install()

	return b
}

// install makes what the charts of Karpenter and the device plugin make.
func (b *bench) install() {
	b.Helper()

	labels := map[string]string{"app.kubernetes.io/name": "karpenter"}
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "karpenter", Namespace: "kube-system"},
		Spec: appsv1.DeploymentSpec{Replicas: new(int32(1)), Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec: corev1.PodSpec{ServiceAccountName: "karpenter", Containers: []corev1.Container{{
				Name: "controller", Image: "public.ecr.aws/karpenter/controller:1.14.1",
				Env: []corev1.EnvVar{{Name: "CLUSTER_NAME", Value: awstest.Cluster}, {Name: "INTERRUPTION_QUEUE", Value: awstest.Queue}},
			}}},
		}},
	}
	plugin := map[string]string{"app.kubernetes.io/name": "nvidia-device-plugin"}
	ds := &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Name: "plugin", Namespace: "kube-system"},
		Spec: appsv1.DaemonSetSpec{Selector: &metav1.LabelSelector{MatchLabels: plugin}, Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: plugin},
			Spec: corev1.PodSpec{
				ServiceAccountName: "karpenter",
				NodeSelector:       map[string]string{"karpenter.k8s.aws/instance-gpu-manufacturer": "nvidia"},
				Tolerations:        []corev1.Toleration{{Key: "nvidia.com/gpu", Operator: corev1.TolerationOpExists}},
				Containers:         []corev1.Container{{Name: "plugin", Image: "nvcr.io/nvidia/k8s-device-plugin:v0.18.2"}},
			},
		}},
	}
	c := clusters.Workload.Client
	_, err1 := c.CoreV1().ServiceAccounts("kube-system").Create(b.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "karpenter"}}, metav1.CreateOptions{})
	_, err2 := c.AppsV1().Deployments("kube-system").Create(b.Context(), d, metav1.CreateOptions{})
	_, err3 := c.AppsV1().DaemonSets("kube-system").Create(b.Context(), ds, metav1.CreateOptions{})

	for _, err := range []error{err1, err2, err3} {
		if err != nil && !kerrors.IsAlreadyExists(err) {
			b.Fatal(err)
		}
	}
}

// pool makes an EC2NodeClass and a NodePool; more is in its template's spec.
func (b *bench) pool(name, requirements, more string) {
	b.Helper()

	class := fmt.Sprintf(`
apiVersion: karpenter.k8s.aws/v1
kind: EC2NodeClass
metadata: {name: %s}
spec:
  amiSelectorTerms: [{alias: al2023@v20260714}]
  instanceProfile: gpu-profile
  instanceStorePolicy: RAID0
  subnetSelectorTerms: [{id: %s}, {id: %s}]
  securityGroupSelectorTerms: [{id: %s}]`, name, b.ID("one"), b.ID("two"), b.SecurityGroup())
	pool := fmt.Sprintf(`
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: %[1]s}
spec:
  limits: {nvidia.com/gpu: "2"}
  disruption: {consolidationPolicy: WhenEmpty, consolidateAfter: 5m}
  template:
    spec:
      nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: %[1]s}
      taints: [{key: nvidia.com/gpu, value: "true", effect: NoSchedule}]
      expireAfter: Never
      terminationGracePeriod: 10m
      requirements: [%[2]s]
      %[3]s`, name, requirements, more)

	b.eventually("the kinds are served", func(ctx context.Context) error {
		return errors.Join(apply(ctx, "ec2nodeclasses", class), apply(ctx, "nodepools", pool))
	})
}

// servers makes a Deployment of GPU pods for a pool.
func (b *bench) servers(name string, replicas int32, annotations map[string]string) {
	b.Helper()

	labels := map[string]string{"app": name}
	gpus := corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("1"), corev1.ResourceCPU: resource.MustParse("2"), corev1.ResourceMemory: resource.MustParse("8Gi")}
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"},
		Spec: appsv1.DeploymentSpec{Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: annotations},
			Spec: corev1.PodSpec{
				NodeSelector: map[string]string{"karpenter.sh/nodepool": name},
				Tolerations:  []corev1.Toleration{{Key: "nvidia.com/gpu", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule}},
				Containers:   []corev1.Container{{Name: "comfyui", Image: "example.org/comfyui:1", Resources: corev1.ResourceRequirements{Requests: gpus, Limits: gpus}}},
			},
		}},
	}

	if _, err := clusters.Workload.Client.AppsV1().Deployments("default").Create(b.Context(), d, metav1.CreateOptions{}); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) scaleTo(name string, replicas int32) {
	b.Helper()

	patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas)
	if _, err := clusters.Workload.Client.AppsV1().Deployments("default").Patch(b.Context(), name, "application/merge-patch+json", patch, metav1.PatchOptions{}); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) eventually(what string, ask func(ctx context.Context) error) {
	b.Helper()

	if err := clustertest.Eventually(b.Context(), what, ask); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) ready(name string, replicas int32) {
	b.Helper()
	b.eventually(fmt.Sprintf("%d servers of %s ready", replicas, name), func(ctx context.Context) error {
		d, err := clusters.Workload.Client.AppsV1().Deployments("default").Get(ctx, name, metav1.GetOptions{})
		if err != nil || d.Status.ReadyReplicas != replicas {
			return fmt.Errorf("%d are ready, %w", d.Status.ReadyReplicas, err)
		}

		return nil
	})
}

// condition waits for status and reason of a condition.
func (b *bench) condition(resource, name, condition, want string) {
	b.Helper()
	b.eventually(fmt.Sprintf("%s %s: %s is %s", resource, name, condition, want), func(ctx context.Context) error {
		u, err := kind(resource).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}

		conds, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
		for _, c := range conds {
			m := c.(map[string]any)
			if m["type"] == condition && strings.HasPrefix(fmt.Sprintf("%s %s", m["status"], m["reason"]), want) {
				return nil
			}
		}

		return fmt.Errorf("conditions are %v", conds)
	})
}

// event waits for one with a reason and a text.
func (b *bench) event(reason, text string) {
	b.Helper()
	b.eventually(fmt.Sprintf("event %s %q", reason, text), func(ctx context.Context) error {
		l, err := clusters.Workload.Client.CoreV1().Events("").List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}

		seen := []string{}

		for _, e := range l.Items {
			if e.Source.Component != "karpenter" {
				continue
			}

			if e.Reason == reason && strings.Contains(e.Message, text) {
				return nil
			}

			seen = append(seen, e.Reason+": "+e.Message)
		}

		return fmt.Errorf("got %q", seen)
	})
}

// instances are the types and purchases of what runs in the account.
func (b *bench) instances() []string {
	out := []string{}

	for _, i := range b.List(cloud.Kind{Service: "ec2", Name: "Instance"}, awstest.Region) {
		if i.State != cloud.StateDeleting {
			out = append(out, i.Args.String("instanceType")+" "+i.Args.String("capacityType"))
		}
	}

	slices.Sort(out)

	return out
}

func (b *bench) instancesAre(what string, want ...string) {
	b.Helper()
	b.eventually(what, func(context.Context) error {
		if diff := cmp.Diff(want, b.instances()); diff != "" {
			return fmt.Errorf("-want, +got:\n%s", diff)
		}

		return nil
	})
}

func (b *bench) gone(resource, name string) {
	b.Helper()
	b.eventually(resource+" "+name+" gone", func(ctx context.Context) error {
		u, err := kind(resource).Get(ctx, name, metav1.GetOptions{})
		if kerrors.IsNotFound(err) {
			return nil
		}

		return errors.Join(fmt.Errorf("it is there, with finalizers %v", u.GetFinalizers()), err)
	})
}

func (b *bench) remove(resource, name string, how metav1.DeletionPropagation) {
	b.Helper()

	if err := kind(resource).Delete(b.Context(), name, metav1.DeleteOptions{PropagationPolicy: &how}); err != nil {
		b.Fatal(err)
	}
}

// end removes a pool with all it has, in the order that works.
func (b *bench) end(name string) {
	b.Helper()

	_ = clusters.Workload.Client.AppsV1().Deployments("default").Delete(b.Context(), name, metav1.DeleteOptions{})
	b.remove("nodepools", name, metav1.DeletePropagationForeground)
	b.remove("ec2nodeclasses", name, metav1.DeletePropagationBackground)
	b.gone("nodepools", name)
	b.gone("ec2nodeclasses", name)
	b.instancesAre("no instance left", []string{}...)
}
