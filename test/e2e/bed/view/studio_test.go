package view

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The studio of these tests was applied ten minutes after its bed began.
const (
	applied = 600.0
	scale   = 60.0
)

// at turns minutes after the apply into a ledger's time.
func at(minutes float64) float64 { return applied + minutes*60 }

// A made is a composed resource of a test's studio: what, when, and from what.
type made struct {
	group, kind, key string
	// refs are fields with the keys they refer to.
	refs map[string]string
	// created and active are minutes after the apply; active 0: not yet.
	created, active float64
	// failure is the message of a condition Synced=False.
	failure string
	// unknown to AWS: no entry in the ledger.
	local bool
}

func objectName(key string) string { return "tokyo-128572-" + key }

// studio builds what the API server and the ledger say of a studio.
func studio(now float64, resources []made, conditions ...any) Observation {
	o := Observation{
		Namespace: "art", Name: "tokyo", At: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), Start: applied,
		Ledger: Ledger{Scale: scale, Now: at(now)},
	}
	o.Claim = &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "aws.comfyui-studio.io/v1alpha1", "kind": "ComfyUIStudio",
		"metadata": map[string]any{"namespace": "art", "name": "tokyo", "generation": int64(1)},
		"spec":     map[string]any{"region": "ap-northeast-1"},
		"status":   map[string]any{"conditions": conditions, "resources": map[string]any{"total": int64(len(resources))}},
	}}
	for _, m := range resources {
		o.Composed = append(o.Composed, m.object(o))
		if m.local {
			continue
		}
		e := Entry{Group: m.group, Kind: m.kind, Namespace: "art", Name: objectName(m.key), ExternID: m.key + "-id", State: "creating", Created: at(m.created)}
		if m.active > 0 {
			e.State, e.Active = "active", at(m.active)
		}
		o.Ledger.Entries = append(o.Ledger.Entries, e)
	}
	return o
}

func (m made) object(o Observation) *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(schema.GroupVersionKind{Group: m.group, Version: "v1beta1", Kind: m.kind})
	u.SetNamespace("art")
	u.SetName(objectName(m.key))
	u.SetLabels(map[string]string{labelComposite: "tokyo"})
	u.SetAnnotations(map[string]string{annotationKey: m.key})
	u.SetCreationTimestamp(metav1.NewTime(o.real(m.created)))
	forProvider := map[string]any{}
	for field, key := range m.refs {
		forProvider[field] = map[string]any{"name": objectName(key)}
	}
	u.Object["spec"] = map[string]any{"forProvider": forProvider}
	ready := condition3("Ready", "False", "Creating", "")
	if m.active > 0 {
		ready = condition3("Ready", "True", "Available", "")
		ready["lastTransitionTime"] = o.real(m.active).Format(time.RFC3339)
	}
	synced := condition3("Synced", "True", "ReconcileSuccess", "")
	if m.failure != "" {
		synced = condition3("Synced", "False", "ReconcileError", m.failure)
	}
	u.Object["status"] = map[string]any{"conditions": []any{ready, synced}}
	return u
}

// real is the real time of a minute after the apply.
func (o Observation) real(minutes float64) time.Time {
	return o.At.Add(-time.Duration((o.Ledger.Now - at(minutes)) / scale * float64(time.Second)))
}

func condition3(typ, status, reason, message string) map[string]any {
	return map[string]any{"type": typ, "status": status, "reason": reason, "message": message}
}

// The groups of the kinds below.
const (
	ec2 = "ec2.aws.m.upbound.io"
	eks = "eks.aws.m.upbound.io"
	iam = "iam.aws.m.upbound.io"
	s3  = "s3.aws.m.upbound.io"
)

// finished is a studio that came up: its path is VPC, subnet, cluster, node
// group, edge attachment; only the last was held by a gate without a reference.
func finished() []made {
	return []made{
		{group: ec2, kind: "VPC", key: "network-vpc", created: 0.2, active: 0.4},
		{group: ec2, kind: "EIP", key: "network-nat-address", created: 0.2, active: 0.3},
		{group: ec2, kind: "Subnet", key: "network-private-subnet-apne1-az1", refs: map[string]string{"vpcIdRef": "network-vpc"}, created: 0.6, active: 0.8},
		{group: ec2, kind: "Subnet", key: "network-private-subnet-apne1-az2", refs: map[string]string{"vpcIdRef": "network-vpc"}, created: 0.6, active: 0.7},
		{group: ec2, kind: "NATGateway", key: "network-nat", refs: map[string]string{"subnetIdRef": "network-private-subnet-apne1-az1", "allocationIdRef": "network-nat-address"}, created: 1, active: 2.8},
		{group: iam, kind: "Role", key: "cluster-role", created: 0.2, active: 0.3},
		{group: eks, kind: "Cluster", key: "cluster-eks", refs: map[string]string{"roleArnRef": "cluster-role", "subnetIdRef": "network-private-subnet-apne1-az1"}, created: 1, active: 10.5},
		{group: eks, kind: "NodeGroup", key: "cluster-system-nodes", refs: map[string]string{"clusterNameRef": "cluster-eks"}, created: 10.8, active: 12.6},
		{group: eks, kind: "Addon", key: "cluster-addon-vpc-cni", refs: map[string]string{"clusterNameRef": "cluster-eks"}, created: 10.9, active: 11.5},
		{group: "kubernetes.m.crossplane.io", kind: "ProviderConfig", key: "cluster-provider-kubernetes", created: 11, active: 11, local: true},
		{group: s3, kind: "Bucket", key: "storage-models", created: 0.5, active: 0.6},
		{group: s3, kind: "BucketPolicy", key: "storage-models-policy", refs: map[string]string{"bucketRef": "storage-models"}, created: 0.9, active: 1},
		{group: "elbv2.aws.m.upbound.io", kind: "LB", key: "edge-alb", refs: map[string]string{"subnetRef": "network-private-subnet-apne1-az1"}, created: 1, active: 3.5},
		{group: "autoscaling.aws.m.upbound.io", kind: "Attachment", key: "edge-attachment", refs: map[string]string{"lbRef": "edge-alb"}, created: 12.8, active: 13},
	}
}

// whole are the conditions of a claim that is Ready.
func whole() []any {
	out := []any{condition3("Ready", "True", "Available", ""), condition3("Synced", "True", "ReconcileSuccess", "")}
	for _, c := range []string{"NetworkReady", "ClusterReady", "StorageReady", "EdgeReady"} {
		out = append(out, condition3(c, "True", "Ready", ""))
	}
	return append(out, notComposed()...)
}

func notComposed() []any {
	out := []any{}
	for _, c := range []string{"CapacityReady", "ModelSyncReady", "ImageReady", "WorkloadReady"} {
		out = append(out, condition3(c, "True", "Disabled", "the claim switches it off"))
	}
	return out
}

// halfway is the finished studio as it was after some minutes: later resources
// are not composed, those under way are not ready.
func halfway(now float64) Observation {
	var so []made
	for _, m := range finished() {
		if m.created > now {
			continue
		}
		if m.active > now {
			m.active = 0
		}
		so = append(so, m)
	}
	cs := append([]any{
		condition3("Ready", "False", "Creating", ""), condition3("Synced", "True", "ReconcileSuccess", ""),
		condition3("NetworkReady", "False", "Creating", "creating: network-nat"),
		condition3("ClusterReady", "False", "Waiting", "creating: cluster-eks; waiting: cluster-system-nodes for cluster-eks"),
		condition3("StorageReady", "True", "Ready", ""),
		condition3("EdgeReady", "False", "Waiting", "waiting: edge-attachment for cluster-system-nodes"),
	}, notComposed()...)
	o := studio(now, so, cs...)
	_ = unstructured.SetNestedField(o.Claim.Object, int64(len(finished())), "status", "resources", "total")
	return o
}

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares with a file of testdata.
func golden(t *testing.T, file, got string) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: -want, +got:\n%s", file, diff)
	}
}
