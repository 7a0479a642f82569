package karpenter_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/helm"
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
