package provider

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// The tests in this file provoke the eleven findings of running the real
// provider-aws (design/facts/real-provider.md), in their order.

// only picks documents by kind/name from manifests.
func only(tb testing.TB, manifests string, want ...string) string {
	tb.Helper()
	out := []string{}
	for doc := range strings.SplitSeq(manifests, "\n---\n") {
		for _, u := range objects(tb, doc) {
			if slices.Contains(want, u.GetKind()+"/"+u.GetName()) || slices.Contains(want, u.GetKind()) {
				out = append(out, doc)
			}
		}
	}
	if len(out) < len(want) {
		tb.Fatalf("want %v, found %d documents", want, len(out))
	}
	return strings.Join(out, "\n---\n")
}

// settle waits for a simulated duration.
func (w *workbench) settle(d time.Duration) {
	_ = w.aws.Clock().Sleep(context.Background(), d)
}

func (w *workbench) entries(kind string) []cloud.Entry {
	return slices.DeleteFunc(w.aws.Ledger().Entries, func(e cloud.Entry) bool { return e.Kind != kind })
}

func TestFinding1BrokenVersion(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, fast, Options{Version: "v2.5.0"})
	us := w.apply(only(t, studio(t), "VPC", "SecurityGroup", "SecurityGroupIngressRule", "SecurityGroupEgressRule", "SecurityGroupRule", "Bucket", "BucketLifecycleConfiguration"))
	for _, u := range us {
		switch u.GetKind() {
		case "SecurityGroupIngressRule", "SecurityGroupEgressRule", "BucketLifecycleConfiguration":
			w.refused(u, "observe failed: failed to observe the resource: Missing Resource Identity After Read")
		default:
			w.ready(u)
		}
	}
	w.settle(5 * time.Minute)
	for _, u := range us {
		if w.calls(u).Create > 0 == strings.Contains(conditionOf(w.get(u), typeSynced)["message"].(string), "Missing Resource") {
			t.Errorf("%s: %d creates", u.GetKind(), w.calls(u).Create)
		}
	}
}

func TestFinding2LostName(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason   string
		policies []string
		want     int
	}{
		"WithoutLateInitialize": {"An id that AWS makes is stored by late initialisation only.", []string{"Create", "Observe", "Update", "Delete"}, 2},
		"WithLateInitialize":    {"With it, a restart finds the address.", []string{"Create", "Observe", "Update", "LateInitialize"}, 1},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorkbench(t, fast, Options{})
			eip := objects(t, only(t, studio(t), "EIP"))[0]
			_ = unstructured.SetNestedStringSlice(eip.Object, tc.policies, "spec", "managementPolicies")
			w.applyObject(eip)
			w.until(eip, "Ready", func(l *unstructured.Unstructured) bool {
				return has(l, typeReady, "Available") && has(l, typeSynced, "ReconcileSuccess")
			})
			w.settle(time.Minute)
			live := w.get(eip)
			if atProvider(live).String("id") == "" {
				t.Errorf("%s\nstatus has no id", tc.reason)
			}
			if named := live.GetAnnotations()[annotationName] != ""; named != (tc.want == 1) {
				t.Errorf("%s\nexternal name: %v", tc.reason, live.GetAnnotations())
			}
			w.stop()
			w.start()
			for deadline := time.Now().Add(time.Second); time.Now().Before(deadline) && len(w.entries("EIP")) < 2; {
				w.settle(10 * time.Second)
			}
			if diff := cmp.Diff(tc.want, len(w.entries("EIP"))); diff != "" {
				t.Errorf("%s\naddresses after a restart: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

const notification = `
apiVersion: s3.aws.m.upbound.io/v1beta1
kind: Bucket
metadata: {name: models, annotations: {crossplane.io/external-name: studio-models}}
spec: {forProvider: {region: ap-northeast-1}}
---
apiVersion: sqs.aws.m.upbound.io/v1beta1
kind: Queue
metadata: {name: sync}
spec: {forProvider: {region: ap-northeast-1, name: sync}}
---
apiVersion: sqs.aws.m.upbound.io/v1beta1
kind: QueuePolicy
metadata: {name: sync}
spec: {forProvider: {region: ap-northeast-1, queueUrlRef: {name: sync}, policy: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"arn:aws:sqs:ap-northeast-1:123456789012:sync"}]}'}}
---
apiVersion: s3.aws.m.upbound.io/v1beta1
kind: BucketNotification
metadata: {name: sync}
spec: {forProvider: {region: ap-northeast-1, bucketRef: {name: models}, queue: [{events: ['s3:ObjectCreated:*'], QUEUE}]}}
`

func TestFinding3AtomicList(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		queue  string
		want   int64
	}{
		"Reference": {"A reference below an atomic list costs two generations per apply.", "queueArnRef: {name: sync}", 6},
		"Literal":   {"A literal costs none.", "queueArn: arn:aws:sqs:ap-northeast-1:123456789012:sync", 0},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorkbench(t, fast, Options{})
			us := w.apply(strings.ReplaceAll(notification, "QUEUE", tc.queue))
			w.ready(us...)
			w.settle(time.Minute)
			before := w.get(us[3]).GetGeneration()
			for range 3 {
				w.applyObject(us[3])
				w.settle(2 * time.Minute)
			}
			if diff := cmp.Diff(tc.want, w.get(us[3]).GetGeneration()-before); diff != "" {
				t.Errorf("%s\ngenerations of three applies: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestFinding4WaitingReferences lets a subnet wait until its back-off is at
// its longest, and only then makes the VPC: nothing wakes the subnet.
func TestFinding4WaitingReferences(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, 40, Options{})
	us := objects(t, only(t, studio(t), "VPC", "Subnet/private-1"))
	vpc, subnet := us[0], us[1]
	w.applyObject(subnet)
	w.refused(subnet, "cannot resolve references: mg.Spec.ForProvider.vpcId")
	// Tries at 0, 1, 3, 7, 15, 31 and 63 s; the next is at 123 s.
	for deadline := time.Now().Add(patience); w.calls(subnet).Waits < 7; w.settle(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("want 7 reconciles that wait, got %+v", w.calls(subnet))
		}
	}
	w.applyObject(vpc)
	w.ready(vpc)
	ready := w.aws.Clock().Now().Seconds()
	w.ready(subnet)
	if late := w.entries("Subnet")[0].Created - ready; late < 5 {
		t.Errorf("subnet made %.0f s after its VPC was Ready: something woke it", late)
	}
	if n := w.calls(subnet); n.Waits != 7 || n.Refused != 0 {
		t.Errorf("want 7 reconciles that wait and no refused call, got %+v", n)
	}

	// Composed when what it refers to is Ready, nothing waits.
	second := objects(t, only(t, studio(t), "Subnet/private-2"))[0]
	w.applyObject(second)
	w.ready(second)
	if n := w.calls(second); n.Waits != 0 || n.Refused != 0 {
		t.Errorf("composed in time: want no reconcile that waits and no refused call, got %+v", n)
	}
}

func TestFinding5NoWait(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, 300, Options{})
	us := w.apply(only(t, studio(t), "VPC", "Subnet/private-1", "Subnet/private-2", "Role/studio-cluster", "Role/studio-node", "Role/studio-karpenter", "Cluster", "NodeGroup", "Addon/vpc-cni", "PodIdentityAssociation", "AccessEntry/admin"))
	at := map[string]*unstructured.Unstructured{}
	for _, u := range us {
		at[u.GetKind()] = u
	}
	w.ready(at["Cluster"])
	for kind, refused := range map[string]bool{"Addon": true, "PodIdentityAssociation": true, "NodeGroup": false, "AccessEntry": false} {
		n := w.calls(at[kind])
		if refused && n.Refused < 5 {
			t.Errorf("%s calls AWS before the cluster is ACTIVE: want many refused calls, got %+v", kind, n)
		}
		if !refused && (n.Refused > 0 || n.Waits == 0) {
			t.Errorf("%s waits for the cluster: want no refused call, got %+v", kind, n)
		}
	}
	if !strings.Contains(conditionOf(w.get(at["Addon"]), typeAsync)["message"].(string), "async create failed: failed to create the resource") && !has(w.get(at["Addon"]), typeAsync, "Success") {
		t.Errorf("Addon: LastAsyncOperation: %v", conditionOf(w.get(at["Addon"]), typeAsync))
	}
	w.ready(us...)
}

// TestFinding5Retry counts the tries of the first seconds: after 5, 10, 20 ms
// and so on there are ten in 5 s, after 1, 2, 4 s there would be three.
func TestFinding5Retry(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, 20, Options{})
	addon := w.apply("apiVersion: eks.aws.m.upbound.io/v1beta1\nkind: Addon\nmetadata: {name: cni}\n" +
		"spec: {forProvider: {region: ap-northeast-1, addonName: vpc-cni, clusterName: nothing}}")[0]
	w.eventually("a refused call", func() bool { return w.calls(addon).Refused > 0 })
	w.settle(6 * time.Second)
	if n := w.calls(addon); n.Refused < 6 {
		t.Errorf("6 s after the first refusal: want more than five refused calls, got %+v", n)
	}
}

func TestFinding7EventBus(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, fast, Options{})
	us := w.apply(`
apiVersion: cloudwatchevents.aws.m.upbound.io/v1beta1
kind: Rule
metadata: {name: without}
spec: {forProvider: {region: ap-northeast-1, eventPattern: '{"source":["aws.s3"]}'}}
---
apiVersion: cloudwatchevents.aws.m.upbound.io/v1beta1
kind: Rule
metadata: {name: with}
spec: {forProvider: {region: ap-northeast-1, eventPattern: '{"source":["aws.s3"]}', eventBusName: default}}
`)
	w.refused(us[0], "cannot get ID: event_bus_name cannot be empty")
	w.ready(us[1])
	w.settle(5 * time.Minute)
	if n := w.calls(us[0]); n.Calls() != 0 {
		t.Errorf("calls without a bus: %+v", n)
	}
}

func TestFinding8HotLoop(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		doc    string
		loops  bool
	}{
		"Blanks":  {"A document that Terraform compares as text never agrees with what SQS answers.", `{"deadLetterTargetArn": "arn:aws:sqs:ap-northeast-1:123456789012:dlq", "maxReceiveCount": 5}`, true},
		"Compact": {"Compact and in order it does.", `{"deadLetterTargetArn":"arn:aws:sqs:ap-northeast-1:123456789012:dlq","maxReceiveCount":5}`, false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorkbench(t, 300, Options{})
			dlq := w.apply("apiVersion: sqs.aws.m.upbound.io/v1beta1\nkind: Queue\nmetadata: {name: dlq}\nspec: {forProvider: {region: ap-northeast-1, name: dlq}}")
			w.ready(dlq...)
			q := w.apply("apiVersion: sqs.aws.m.upbound.io/v1beta1\nkind: Queue\nmetadata: {name: q}\nspec: {forProvider: {region: ap-northeast-1, name: q, redrivePolicy: '" + tc.doc + "'}}")[0]
			w.until(q, "Ready", func(l *unstructured.Unstructured) bool { return has(l, typeReady, "Available") })
			w.aws.ResetCalls()
			watched := patience
			if !tc.loops {
				watched = time.Second
			}
			for deadline := time.Now().Add(watched); time.Now().Before(deadline) && w.calls(q).Update < 20; {
				w.settle(time.Second)
			}
			if n := w.calls(q).Update; n >= 20 != tc.loops {
				t.Errorf("%s\nupdates: %d", tc.reason, n)
			}
		})
	}
}

func TestFinding9PinnedAddress(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, fast, Options{})
	us := w.apply(only(t, studio(t), "VPC", "Subnet/public-1", "InternetGateway", "EIP", "NATGateway"))
	w.ready(us...)
	eip, nat := us[3], us[4]
	interfaceOf := func(u *unstructured.Unstructured) string { return forProviderOf(u).String("networkInterface") }
	// The poll interval shows the association to the provider.
	l := w.until(eip, "the interface in spec", func(l *unstructured.Unstructured) bool { return interfaceOf(l) != "" })
	if diff := cmp.Diff(atProvider(w.get(nat)).String("networkInterfaceId"), interfaceOf(l)); diff != "" {
		t.Errorf("interface: -of the gateway, +in the address's spec:\n%s", diff)
	}
	w.remove(nat)
	w.gone(nat)
	w.applyObject(nat)
	w.ready(nat)
	w.refused(eip, "InvalidNetworkInterfaceID.NotFound")
}

func TestFinding10Order(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, fast, Options{})
	early := objects(t, strings.ReplaceAll(notification, "QUEUE", "queueArn: arn:aws:sqs:ap-northeast-1:123456789012:sync"))
	for _, u := range early[:2] {
		w.applyObject(u)
	}
	w.ready(early[:2]...)
	w.applyObject(early[3])
	w.refused(early[3], "Unable to validate the following destination configurations")
	w.applyObject(early[2])
	w.ready(early...)
	w = newWorkbench(t, fast, Options{})
	late := objects(t, strings.ReplaceAll(notification, "QUEUE", "queueArn: arn:aws:sqs:ap-northeast-1:123456789012:sync"))
	for _, u := range late {
		w.applyObject(u)
		w.ready(u)
	}
	if n := w.calls(late[3]); n.Refused != 0 {
		t.Errorf("a notification after its queue's policy: want no refused call, got %+v", n)
	}
	q := w.apply("apiVersion: sqs.aws.m.upbound.io/v1beta1\nkind: Queue\nmetadata: {name: q}\nspec: {forProvider: {region: ap-northeast-1, name: q, redrivePolicy: '{\"deadLetterTargetArn\":\"arn:aws:sqs:ap-northeast-1:123456789012:dlq\",\"maxReceiveCount\":5}'}}")[0]
	w.refused(q, "Dead letter target does not exist")
	w.apply("apiVersion: sqs.aws.m.upbound.io/v1beta1\nkind: Queue\nmetadata: {name: dlq}\nspec: {forProvider: {region: ap-northeast-1, name: dlq}}")
	w.ready(q)
}

func TestFinding11ACL(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, fast, Options{})
	us := w.apply(only(t, studio(t), "Bucket", "BucketOwnershipControls", "Object"))
	w.ready(us...)
	bare := us[2].DeepCopy()
	bare.SetName("bare")
	unstructured.RemoveNestedField(bare.Object, "spec", "forProvider", "acl")
	forProviderOf(bare)["key"] = "bare"
	w.applyObject(bare)
	w.refused(bare, "AccessControlListNotSupported")
}
