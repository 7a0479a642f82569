package karpenter_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/helm"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/workload"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/workload/awstest"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/workload/clustertest"
)

// scale makes a simulated minute half a second.
const scale = 120

var (
	clusters *clustertest.Clusters
	objects  dynamic.Interface
)

func TestMain(m *testing.M) {
	ctx := context.Background()

	var err error
	if clusters, err = clustertest.Start(ctx); err == nil {
		objects = dynamic.NewForConfigOrDie(clusters.Workload.Config)
		err = installKinds(ctx)
	}

	code := 1
	if err == nil {
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, err)
	}

	if clusters != nil {
		_ = clusters.Stop()
	}

	os.Exit(code)
}

func installKinds(ctx context.Context) error {
	dir, err := helm.ModuleDir(ctx, "github.com/aws/karpenter-provider-aws@v"+helm.KarpenterVersion)
	if err != nil {
		return err
	}

	files, err := filepath.Glob(filepath.Join(dir, "pkg", "apis", "crds", "karpenter*.yaml"))
	if err != nil {
		return err
	}

	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			return err
		}

		if err := apply(ctx, "customresourcedefinitions", string(data)); err != nil {
			return err
		}
	}

	return nil
}

func apply(ctx context.Context, resource string, manifest string) error {
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(manifest), &u.Object); err != nil {
		return err
	}

	gv, err := schema.ParseGroupVersion(u.GetAPIVersion())
	if err != nil {
		return err
	}

	_, err = objects.Resource(gv.WithResource(resource)).Apply(ctx, u.GetName(), u, metav1.ApplyOptions{FieldManager: "test", Force: true})

	return err
}

func kind(resource string) dynamic.NamespaceableResourceInterface {
	g := "karpenter.sh"
	if resource == "ec2nodeclasses" {
		g = "karpenter.k8s.aws"
	}

	return objects.Resource(schema.GroupVersionResource{Group: g, Version: "v1", Resource: resource})
}

// A bench is a studio whose workload is played.
type bench struct {
	*testing.T
	*awstest.Studio
}

func newBench(t *testing.T, without ...string) *bench {
	t.Helper()

	b := &bench{t, awstest.New(t, scale)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)

	go func() {
		done <- workload.Run(ctx, workload.Options{
			Admin: clusters.Workload.Config, Cluster: awstest.Cluster, Region: awstest.Region, AWS: b.AWS, Kwok: clustertest.Bin("kwok"), Logf: t.Logf,
		})
	}()

	t.Cleanup(func() {
		cancel()

		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})

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

const types = `{key: node.kubernetes.io/instance-type, operator: In, values: [g6.2xlarge, g5.2xlarge]}, {key: karpenter.k8s.aws/instance-local-nvme, operator: Gt, values: ["400"]}`

func TestLife(t *testing.T) {
	b := newBench(t)
	b.pool("life", types+`, {key: karpenter.sh/capacity-type, operator: In, values: [on-demand]}`, "")
	b.condition("ec2nodeclasses", "life", "Ready", "True Ready")
	b.condition("nodepools", "life", "Ready", "True Ready")

	b.servers("life", 1, nil)
	b.ready("life", 1)
	b.instancesAre("one instance of the cheapest type", "g6.2xlarge on-demand")

	l, err := clusters.Workload.Client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{LabelSelector: "karpenter.sh/nodepool=life"})
	if err != nil || len(l.Items) != 1 {
		t.Fatalf("want one node, got %d, %v", len(l.Items), err)
	}

	got := map[string]string{"gpus": l.Items[0].Status.Allocatable.Name("nvidia.com/gpu", resource.DecimalSI).String()}
	for _, k := range []string{"node.kubernetes.io/instance-type", "karpenter.sh/capacity-type", "karpenter.sh/initialized", "karpenter.k8s.aws/instance-gpu-name", "karpenter.k8s.aws/instance-local-nvme"} {
		got[k] = l.Items[0].Labels[k]
	}

	want := map[string]string{
		"gpus": "1", "node.kubernetes.io/instance-type": "g6.2xlarge", "karpenter.sh/capacity-type": "on-demand", "karpenter.sh/initialized": "true",
		"karpenter.k8s.aws/instance-gpu-name": "l4", "karpenter.k8s.aws/instance-local-nvme": "450",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("A GPU node has Karpenter's labels and its GPUs: -want, +got:\n%s", diff)
	}

	// What the node is in stays.
	for _, name := range []string{"vpc", "one"} {
		if name == "one" && l.Items[0].Labels["topology.k8s.aws/zone-id"] != "use1-az1" {
			name = "two"
		}

		if got := cloud.Code(b.Refused(name)); got != "DependencyViolation" {
			t.Errorf("Delete(%s): want DependencyViolation, got %q", name, got)
		}
	}

	// A third GPU is over the limit.
	b.scaleTo("life", 3)
	b.ready("life", 2)
	b.event("FailedScheduling", `all available instance types exceed limits for nodepool: "life"`)

	// Empty nodes go after a while.
	b.scaleTo("life", 0)
	b.instancesAre("no instance for no server", []string{}...)
	b.end("life")
}

func TestCapacity(t *testing.T) {
	b := newBench(t)
	fault, err := cloud.ParseFault("spot-no-capacity")
	if err != nil {
		t.Fatal(err)
	}

	if err := b.SetFaults(fault); err != nil {
		t.Fatal(err)
	}

	b.pool("mixed", types+`, {key: karpenter.sh/capacity-type, operator: In, values: [spot, on-demand]}`, "")
	b.servers("mixed", 1, nil)
	b.event("InsufficientCapacityError", "insufficient capacity, with fleet error(s), InsufficientInstanceCapacity: There is no Spot capacity available")
	b.instancesAre("on demand where spot is out", "g6.2xlarge on-demand")
	b.ready("mixed", 1)
	b.ClearFaults()

	if fault, err = cloud.ParseFault("gpu-quota"); err != nil {
		t.Fatal(err)
	}

	if err := b.SetFaults(fault); err != nil {
		t.Fatal(err)
	}

	b.scaleTo("mixed", 2)
	b.event("InsufficientCapacityError", "VcpuLimitExceeded: You have requested more vCPU capacity than your current vCPU limit of 0 allows")
	b.instancesAre("nothing beyond the quota", "g6.2xlarge on-demand")
	b.ClearFaults()
	b.ready("mixed", 2)
	b.end("mixed")
}

func TestDrain(t *testing.T) {
	b := newBench(t)
	b.pool("busy", types, "")
	b.servers("busy", 1, map[string]string{"karpenter.sh/do-not-disrupt": "true"})
	b.ready("busy", 1)

	claims, err := kind("nodeclaims").List(t.Context(), metav1.ListOptions{})
	if err != nil || len(claims.Items) != 1 {
		t.Fatalf("want one NodeClaim, got %d, %v", len(claims.Items), err)
	}

	// A class that goes makes no node for the pod that takes this one's place.
	b.remove("ec2nodeclasses", "busy", metav1.DeletePropagationBackground)

	begin := b.Clock().Now()
	b.remove("nodeclaims", claims.Items[0].GetName(), metav1.DeletePropagationBackground)
	b.event("WaitingOnNodeClaimTermination", "Waiting on NodeClaim termination for busy-")
	b.gone("nodeclaims", claims.Items[0].GetName())

	if took := b.Clock().Now() - begin; took < 9*time.Minute {
		t.Errorf("A pod that must not be disrupted holds its node until the grace period of ten minutes, less its own, is over: the node went after %s", took)
	}

	b.remove("nodepools", "busy", metav1.DeletePropagationForeground)
	b.gone("nodepools", "busy")
	b.gone("ec2nodeclasses", "busy")
	b.instancesAre("no instance left", []string{}...)
	_ = clusters.Workload.Client.AppsV1().Deployments("default").Delete(t.Context(), "busy", metav1.DeleteOptions{})
}

func TestLeak(t *testing.T) {
	b := newBench(t)
	b.pool("leak", types, "")
	b.servers("leak", 1, nil)
	b.ready("leak", 1)

	// Without its identity Karpenter ends nothing.
	b.Delete("identity")
	b.event("BackOff", "no Pod Identity association for service account kube-system/karpenter")
	b.remove("nodepools", "leak", metav1.DeletePropagationForeground)
	b.remove("ec2nodeclasses", "leak", metav1.DeletePropagationBackground)
	time.Sleep(b.Clock().Real(20 * time.Minute))

	if diff := cmp.Diff(1, len(b.instances())); diff != "" {
		t.Errorf("Its instances go on: -want, +got:\n%s", diff)
	}

	u, err := kind("ec2nodeclasses").Get(t.Context(), "leak", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff([]string{"karpenter.k8s.aws/termination"}, u.GetFinalizers()); diff != "" {
		t.Errorf("Its finalizers hang: -want, +got:\n%s", diff)
	}

	b.Make(`{apiVersion: eks.aws.m, kind: PodIdentityAssociation, metadata: {name: identity}, spec: {forProvider: {clusterName: studio, namespace: kube-system, serviceAccount: karpenter, roleArn: $karpenter-role.arn}}}`)
	b.gone("ec2nodeclasses", "leak")
	b.instancesAre("no instance left", []string{}...)
	_ = clusters.Workload.Client.AppsV1().Deployments("default").Delete(t.Context(), "leak", metav1.DeleteOptions{})
}

func TestPermissions(t *testing.T) {
	cases := map[string]struct {
		reason, without string
		check           func(b *bench)
	}{
		"Launch": {"CreateFleet is tried before a class is ready.", "Launch", func(b *bench) {
			b.condition("ec2nodeclasses", "denied", "ValidationSucceeded", "False CreateFleetAuthCheckFailed")
			b.condition("nodepools", "denied", "Ready", "False UnhealthyDependents")
		}},
		"PassRole": {"A role that may not be passed shows in RunInstances.", "PassRole", func(b *bench) {
			b.condition("ec2nodeclasses", "denied", "ValidationSucceeded", "False RunInstancesAuthCheckFailed")
		}},
		"Queue": {"Karpenter ends when it may not read its queue.", "Queue", func(b *bench) {
			b.event("BackOff", "not authorized to perform sqs:GetQueueUrl")
		}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, tc.without)
			b.pool("denied", types, "")
			t.Log(tc.reason)
			tc.check(b)

			// With the permission all is well.
			b.Delete("karpenter")
			b.Permit()
			b.condition("nodepools", "denied", "Ready", "True")
			b.end("denied")
		})
	}
}

func TestNeverRegisters(t *testing.T) {
	b := newBench(t)
	b.Delete("gpu-entry")
	b.pool("stray", types, "")
	b.servers("stray", 1, nil)
	b.eventually("an instance", func(context.Context) error {
		if len(b.instances()) == 0 {
			return errors.New("none")
		}

		return nil
	})
	b.condition("nodepools", "stray", "NodeRegistrationHealthy", "False RegistrationFailed")

	if l, err := clusters.Workload.Client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{LabelSelector: "karpenter.sh/nodepool=stray"}); err != nil || len(l.Items) > 0 {
		t.Errorf("Without an access entry no node registers: got %d, %v", len(l.Items), err)
	}

	b.Make(`{apiVersion: eks.aws.m, kind: AccessEntry, metadata: {name: gpu-entry}, spec: {forProvider: {clusterName: studio, principalArn: $gpu-role.arn, type: EC2_LINUX}}}`)
	b.ready("stray", 1)
	b.end("stray")
}
