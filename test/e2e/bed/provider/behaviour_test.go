package provider

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// eventually waits for what no object tells.
func (w *workbench) eventually(what string, ok func() bool) {
	w.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.Fatalf("%s did not come in %s", what, patience)
		}
	}
}

func TestRetainAndAdopt(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, fast, Options{})
	bucket := objects(t, only(t, studio(t), "Bucket"))[0]
	_ = unstructured.SetNestedStringSlice(bucket.Object, []string{"Create", "Observe", "Update", "LateInitialize"}, "spec", "managementPolicies")
	w.applyObject(bucket)
	w.ready(bucket)
	if err := w.aws.PutObject("studio-models-123456789012", "checkpoints/a.safetensors", nil, nil); err != nil {
		t.Fatal(err)
	}
	w.remove(bucket)
	w.gone(bucket)
	if e := w.aws.Ledger().Left(); len(e) != 1 || !e[0].Retained {
		t.Fatalf("ledger after a delete without Delete: %+v", e)
	}
	// Another managed resource with the same external name takes it over.
	next := bucket.DeepCopy()
	next.SetName("again")
	w.applyObject(next)
	w.ready(next)
	e := w.aws.Ledger().Left()
	if len(e) != 1 || e[0].Retained || e[0].Name != "again" {
		t.Errorf("ledger after the adoption: %+v", e)
	}
	if n := w.calls(next); n.Create != 0 {
		t.Errorf("adopted by creating: %+v", n)
	}
}

func TestTakenName(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, fast, Options{})
	bucket := objects(t, only(t, studio(t), "Bucket"))[0]
	w.applyObject(bucket)
	w.ready(bucket)
	other := bucket.DeepCopy()
	other.SetNamespace("music")
	w.applyObject(other)
	w.refused(other, "BucketAlreadyOwnedByYou")
}

func TestBucketNotEmpty(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, fast, Options{})
	bucket := objects(t, only(t, studio(t), "Bucket"))[0]
	w.applyObject(bucket)
	w.ready(bucket)
	if err := w.aws.PutObject("studio-models-123456789012", "a", nil, nil); err != nil {
		t.Fatal(err)
	}
	w.remove(bucket)
	w.refused(bucket, "delete failed: async delete failed: failed to delete the resource")
	w.until(bucket, "AsyncDeleteFailure", func(l *unstructured.Unstructured) bool { return has(l, typeAsync, "AsyncDeleteFailure") })
	w.aws.EmptyBucket("studio-models-123456789012")
	w.gone(bucket)
}

func TestObserveOnlyMarker(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, fast, Options{})
	us := objects(t, only(t, studio(t), "Bucket", "Object"))
	w.applyObject(us[0])
	w.ready(us[0])
	marker := us[1]
	marker.Object["spec"] = map[string]any{
		"managementPolicies": []any{"Observe"},
		"forProvider":        map[string]any{"region": "ap-northeast-1", "bucketRef": map[string]any{"name": "models"}, "key": "markers/one"},
	}
	w.applyObject(marker)
	l := w.refused(marker, "observe failed: external resource does not exist")
	if c := conditionOf(l, typeReady); c["status"] != nil {
		t.Errorf("Ready of an absent marker: want none, got %v", c)
	}
	if err := w.aws.PutObject("studio-models-123456789012", "markers/one", []byte("{}"), map[string]string{"Digest": "sha256:1"}); err != nil {
		t.Fatal(err)
	}
	l = w.until(marker, "Ready", func(l *unstructured.Unstructured) bool { return has(l, typeReady, "Available") })
	if diff := cmp.Diff("sha256:1", atProvider(l).String("metadata.digest")); diff != "" {
		t.Errorf("metadata: -want, +got:\n%s", diff)
	}
	if n := w.calls(marker); n.Create+n.Update+n.Delete != 0 {
		t.Errorf("an observed object was changed: %+v", n)
	}
	w.remove(marker)
	w.gone(marker)
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, fast, Options{})
	us := w.apply(only(t, studio(t), "VPC", "Subnet/private-1", "InternetGateway"))
	w.ready(us...)
	w.settle(time.Minute)
	w.aws.ResetCalls()

	forProviderOf(us[0])["tags"] = map[string]any{"team": "art"}
	w.applyObject(us[0])
	w.until(us[0], "the tag in status", func(l *unstructured.Unstructured) bool { return atProvider(l).String("tags.team") == "art" })
	forProviderOf(us[0])["tags"] = map[string]any{"team": "music"}
	w.applyObject(us[0])
	w.until(us[0], "the changed tag in status", func(l *unstructured.Unstructured) bool { return atProvider(l).String("tags.team") == "music" })
	if n := w.calls(us[0]); n.Update != 2 {
		t.Errorf("two changes of a tag: %+v", n)
	}
	for _, u := range us[1:] {
		if n := w.calls(u); n.Update != 0 || n.Create != 0 {
			t.Errorf("%s was changed, too: %+v", u.GetKind(), n)
		}
	}

	forProviderOf(us[1])["cidrBlock"] = "10.42.128.0/19"
	w.applyObject(us[1])
	w.refused(us[1], `cannot change the value of the argument "cidr_block" from "10.42.32.0/19" to "10.42.128.0/19"`)
	if l := w.get(us[1]); !has(l, typeReady, "Available") || !has(l, typeAsync, "AsyncUpdateFailure") {
		t.Errorf("a refused change leaves the subnet Ready: %v", l.Object["status"])
	}
}

func TestLateCRD(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, fast, Options{Kinds: []cloud.Kind{vpc}})
	us := w.apply(only(t, studio(t), "VPC", "InternetGateway"))
	w.ready(us[0])
	w.settle(5 * time.Minute)
	if l := w.get(us[1]); l.Object["status"] != nil {
		t.Errorf("a kind that is not served has a status: %v", l.Object)
	}
	w.stop()
	w.opts.Kinds = nil
	w.start()
	w.ready(us[1])
}

func TestSafeStart(t *testing.T) {
	t.Parallel()
	w := newWorkbenchWith(t, fast, Options{}, func(k kind) bool { return k.Kind == vpc })
	us := objects(t, only(t, studio(t), "VPC", "EIP"))
	w.applyObject(us[0])
	w.ready(us[0])
	w.api.Serve(t, eip.Group(), version, eip.Name, "eips")
	w.applyObject(us[1])
	w.ready(us[1])
}

func TestRestart(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, 600, Options{})
	us := w.apply(only(t, studio(t), "VPC", "Subnet/private-1", "Subnet/private-2", "Role/studio-cluster", "Cluster"))
	w.eventually("the cluster", func() bool { return len(w.entries("Cluster")) == 1 })
	// A name of ours is found again in mid-creation, and taken for Ready: to
	// describe it succeeds, whatever its status says.
	w.stop()
	w.start()
	w.until(us[4], "Ready", func(l *unstructured.Unstructured) bool { return has(l, typeReady, "Available") })
	w.ready(us...)
	w.until(us[4], "ACTIVE", func(l *unstructured.Unstructured) bool { return atProvider(l).String("status") == "ACTIVE" })
	before := len(w.aws.Ledger().Entries)
	w.stop()
	w.start()
	w.settle(5 * time.Minute)
	if diff := cmp.Diff(before, len(w.aws.Ledger().Entries)); diff != "" {
		t.Errorf("resources after a restart: -want, +got:\n%s", diff)
	}
}

func TestDeleteWhileCreating(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, 200, Options{})
	us := w.apply(only(t, studio(t), "VPC", "Subnet/private-1", "Subnet/private-2", "Role/studio-cluster", "Cluster"))
	w.eventually("the cluster", func() bool { return len(w.entries("Cluster")) == 1 })
	w.remove(us...)
	w.refused(us[4], "create operation that started at")
	w.gone(us...)
	if left := w.aws.Ledger().Left(); len(left) > 0 {
		t.Errorf("left in AWS: %v", left)
	}
}

func TestStatusFaults(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, fast, Options{})
	us := w.apply(only(t, studio(t), "VPC", "Subnet/private-1"))
	w.ready(us...)
	set := func(f cloud.Fault) {
		t.Helper()
		if err := w.aws.SetFaults(f); err != nil {
			t.Fatal(err)
		}
	}
	set(cloud.Fault{Kind: "VPC", Operation: cloud.OpStatus, Mode: cloud.LoseStatus, For: 20 * time.Minute})
	w.until(us[0], "no status", func(l *unstructured.Unstructured) bool {
		return len(atProvider(l)) == 0 && conditionOf(l, typeReady)["status"] == nil
	})
	// It comes back by itself.
	w.ready(us[0])
	if !has(w.get(us[1]), typeReady, "Available") {
		t.Error("another kind's status was lost, too")
	}
	set(cloud.Fault{Kind: "VPC", Mode: cloud.Freeze, Operation: cloud.OpStatus})
	w.until(us[0], "Unavailable", func(l *unstructured.Unstructured) bool { return has(l, typeReady, "Unavailable") })
	w.settle(30 * time.Minute)
	if !has(w.get(us[0]), typeReady, "Unavailable") {
		t.Error("the freeze ended by itself")
	}
	w.aws.ClearFaults()
	w.ready(us[0])
}

func TestInjectedFailures(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, fast, Options{})
	if err := w.aws.SetFaults(cloud.Fault{Kind: "VPC", Mode: cloud.Fail, Count: 3, Operation: cloud.OpCreate, Message: "The maximum number of VPCs has been reached."}); err != nil {
		t.Fatal(err)
	}
	us := w.apply(only(t, studio(t), "VPC"))
	w.ready(us...)
	if n := w.calls(us[0]); n.Injected != 3 || n.Refused != 0 || len(w.entries("VPC")) != 1 {
		t.Errorf("three failures, then success: %+v", n)
	}
}

func TestClusterAuth(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, fast, Options{})
	us := w.apply(only(t, studio(t), "VPC", "Subnet/private-1", "Subnet/private-2", "Role/studio-cluster", "Cluster", "ClusterAuth"))
	w.ready(us...)
	secrets := w.client.Resource(kschema.GroupVersionResource{Version: "v1", Resource: "secrets"}).Namespace("art")
	s, err := secrets.Get(context.Background(), "kubeconfig", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	data, _, _ := unstructured.NestedStringMap(s.Object, "data")
	endpoint := atProvider(w.get(us[4])).String("endpoint")
	kubeconfig, err := base64.StdEncoding.DecodeString(data["kubeconfig"])
	if err != nil || !strings.Contains(string(kubeconfig), endpoint) || len(data["clusterCA"]) == 0 || len(data) != 3 {
		t.Errorf("secret: %v\n%s", data, kubeconfig)
	}
	if diff := cmp.Diff("connection.crossplane.io/v1alpha1", s.Object["type"]); diff != "" {
		t.Errorf("type: -want, +got:\n%s", diff)
	}
	first := atProvider(w.get(us[5])).String(lastRefresh)
	w.until(us[5], "a new token", func(l *unstructured.Unstructured) bool { return atProvider(l).String(lastRefresh) != first })
	if c := conditionOf(w.get(us[5]), typeAsync); c["status"] != nil {
		t.Errorf("ClusterAuth is no asynchronous kind: %v", c)
	}
}

func TestProviderConfig(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, fast, Options{CheckProviderConfig: true})
	us := w.apply(only(t, studio(t), "VPC"))
	w.refused(us[0], `connect failed: cannot get referenced provider config ClusterProviderConfig "default"`)
	config := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "aws.m.upbound.io/v1beta1", "kind": "ClusterProviderConfig"}}
	config.SetName("default")
	configs := w.client.Resource(kschema.GroupVersionResource{Group: "aws.m.upbound.io", Version: "v1beta1", Resource: "clusterproviderconfigs"})
	if _, err := configs.Create(context.Background(), config, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.ready(us...)
}

// TestOrderedStudio composes each object when what it refers to is Ready. A
// healthy creation makes no refused call and no reconcile that waits.
func TestOrderedStudio(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, fast, Options{})
	us := objects(t, studio(t))
	// Roles, policies and buckets first, then by hand what waits for what.
	stages := []string{
		"VPC EIP Role Policy Bucket", "Subnet InternetGateway RouteTable VPCEndpoint SecurityGroup DefaultSecurityGroup RolePolicy " +
			"RolePolicyAttachment InstanceProfile BucketPublicAccessBlock BucketOwnershipControls BucketPolicy " +
			"BucketServerSideEncryptionConfiguration BucketLifecycleConfiguration BucketVersioning BucketNotification Object",
		"NATGateway Cluster RouteTableAssociation VPCEndpointRouteTableAssociation SecurityGroupIngressRule SecurityGroupEgressRule SecurityGroupRule",
		"Route NodeGroup Addon ClusterAuth AccessEntry PodIdentityAssociation", "AccessPolicyAssociation",
	}
	applied := 0
	for _, stage := range stages {
		now := []*unstructured.Unstructured{}
		for _, u := range us {
			if strings.Contains(" "+stage+" ", " "+u.GetKind()+" ") {
				w.applyObject(u)
				now = append(now, u)
			}
		}
		w.ready(now...)
		applied += len(now)
	}
	if applied != len(us) {
		t.Fatalf("%d of %d objects have a stage", applied, len(us))
	}
	for _, c := range w.aws.Calls() {
		if c.Refused > 0 || c.Waits > 0 {
			t.Errorf("%s %s: %+v", c.Kind, c.Name, c)
		}
	}
}
