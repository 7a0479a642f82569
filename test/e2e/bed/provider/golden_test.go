package provider

import (
	"context"
	"encoding/base64"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
)

// recorded are the golden objects.
func recorded(t *testing.T) []*unstructured.Unstructured {
	t.Helper()
	b, err := os.ReadFile("testdata/real-status.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return objects(t, string(b))
}

func rowOf(tb testing.TB, u *unstructured.Unstructured) kind {
	tb.Helper()
	for _, k := range kinds() {
		if k.Group() == u.GroupVersionKind().Group && k.Name == u.GetKind() {
			return k
		}
	}
	tb.Fatalf("no row for %s", u.GroupVersionKind())
	return kind{}
}

// manifest is what a recorded object was made from: without what resolution,
// late initialisation and the initializers added.
func manifest(tb testing.TB, golden *unstructured.Unstructured) *unstructured.Unstructured {
	tb.Helper()
	k := rowOf(tb, golden)
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": golden.GetAPIVersion(), "kind": golden.GetKind(),
		"spec": runtime.DeepCopyJSON(golden.Object["spec"].(map[string]any)),
	}}
	u.SetName(golden.GetName())
	u.SetNamespace(golden.GetNamespace())
	if name := golden.GetAnnotations()[annotationName]; k.naming == byObject && name != golden.GetName() {
		u.SetAnnotations(map[string]string{annotationName: name})
	}
	args := forProviderOf(u)
	for _, r := range k.refs {
		unresolve(r, args)
	}
	for _, path := range k.late {
		// What the manifest said is not recorded; where late initialisation
		// could have said it, it shall.
		if !slices.Contains(stated[k.Name], path) {
			unstructured.RemoveNestedField(args, strings.Split(path, ".")...)
		}
	}
	for _, tag := range []string{"crossplane-kind", "crossplane-name", "crossplane-providerconfig"} {
		unstructured.RemoveNestedField(args, "tags", tag)
	}
	for name := range artefacts {
		if path, ours := strings.CutPrefix(name, k.Service+"."+k.Name+".spec."); ours {
			unstructured.RemoveNestedField(args, strings.Split(path, ".")...)
		}
	}
	if k.Name == "Object" {
		_ = unstructured.SetNestedStringSlice(u.Object, []string{"Observe"}, "spec", "managementPolicies")
	}
	return u
}

func TestGolden(t *testing.T) {
	w := newWorkbench(t, fast, Options{})
	golden := recorded(t)
	waiting := []*unstructured.Unstructured{}
	for _, g := range golden {
		fixTrimmed(g)
		waiting = append(waiting, g)
	}
	later := applyCompanions(w)
	ids := names{}
	unknown := []string{}
	for _, g := range golden {
		if rowOf(t, g).naming == byAWS {
			unknown = append(unknown, atProvider(g).String("id"))
		}
	}
	// An object whose literals name another one waits for it; references are
	// the provider's business.
	for len(waiting) > 0 {
		before := len(waiting)
		applied := []*unstructured.Unstructured{}
		waiting = slices.DeleteFunc(waiting, func(g *unstructured.Unstructured) bool {
			m := manifest(t, g)
			m.Object["spec"] = ids.translate(m.Object["spec"])
			text, _ := m.MarshalJSON()
			if slices.ContainsFunc(unknown, func(id string) bool { return strings.Contains(string(text), id) }) {
				return false
			}
			w.applyObject(m)
			applied = append(applied, g)
			return true
		})
		for _, g := range applied {
			w.ready(g)
			ids.learn(g, w.get(g))
		}
		for _, u := range later {
			group := ""
			for _, g := range golden {
				if g.GetKind() == "VPC" {
					group = atProvider(w.get(g)).String("defaultSecurityGroupId")
				}
			}
			for _, field := range []string{"securityGroupId", "sourceSecurityGroupId"} {
				if forProviderOf(u).String(field) == "DEFAULT" {
					forProviderOf(u).Set(field, group)
				}
			}
			w.applyObject(u)
			w.ready(u)
		}
		later = nil
		if len(waiting) == before {
			t.Fatalf("objects wait for one another: %v", waiting[0].GetName())
		}
	}
	compareMeta(t, w, golden, ids)
	compareAll(t, w, golden, ids)
}

// compareMeta compares what crossplane-runtime leaves beside spec and status:
// the name, the finalizers, the annotations, the conditions, and how many
// generations the provider's writing cost.
func compareMeta(t *testing.T, w *workbench, golden []*unstructured.Unstructured, ids names) {
	t.Helper()
	for _, g := range golden {
		l := w.get(g)
		if diff := cmp.Diff(g.GetFinalizers(), l.GetFinalizers()); diff != "" {
			t.Errorf("%s: finalizers: -recorded, +double:\n%s", g.GetKind(), diff)
		}
		want, _ := ids.translate(g.GetAnnotations()[annotationName]).(string)
		if diff := cmp.Diff(want, l.GetAnnotations()[annotationName]); diff != "" {
			t.Errorf("%s: external name: -recorded, +double:\n%s", g.GetKind(), diff)
		}
		for _, kind := range []string{typeReady, typeSynced, typeAsync} {
			want := conditionOf(g, kind)
			if why, other := otherConditions[g.GetKind()]; other && kind != typeReady {
				t.Logf("%s: %s not compared: %s", g.GetKind(), kind, why)
				continue
			}
			delete(want, "message")
			if gen, counted := want["observedGeneration"].(int64); counted && slices.Contains(reordered, g.GetKind()) {
				want["observedGeneration"] = gen - 1
			}
			diff := ""
			for deadline := time.Now().Add(patience / 4); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
				// What another resource changed is seen at the poll interval.
				got := conditionOf(w.get(g), kind)
				delete(got, "lastTransitionTime")
				delete(got, "message")
				if diff = cmp.Diff(want, got); diff == "" {
					break
				}
			}
			if diff != "" {
				t.Errorf("%s: condition %s: -recorded, +double:\n%s", g.GetKind(), kind, diff)
			}
		}
	}
}

// reordered are kinds of which a second apply, which put the references back
// in order, was recorded too.
var reordered = []string{"Cluster", "NodeGroup", "LB"}

// otherConditions are recorded conditions that cannot be compared.
var otherConditions = map[string]string{
	"BucketNotification": "caught in a loop of updates that the emulator caused",
	"Distribution":       "caught in a loop of updates that the emulator caused",
	"LBTargetGroup":      "caught in a loop of updates that the emulator caused",
	"Queue":              "caught in a loop of updates: its redrivePolicy has blanks",
	"Project":            "the emulator has no UpdateProject",
}

// applyCompanions makes what the recorded objects lean on. It returns those
// that need the default security group.
func applyCompanions(w *workbench) []*unstructured.Unstructured {
	b, err := os.ReadFile("testdata/companions.yaml")
	if err != nil {
		w.Fatal(err)
	}
	secret := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "data": map[string]any{"code": base64.StdEncoding.EncodeToString([]byte("function handler(e) { return e.request }"))},
	}}
	secret.SetName("tokyo-3f9c1a-viewer-code")
	secrets := w.client.Resource(kschema.GroupVersionResource{Version: "v1", Resource: "secrets"}).Namespace("art")
	if _, err := secrets.Create(context.Background(), secret, metav1.CreateOptions{}); err != nil {
		w.Fatal(err)
	}
	later := []*unstructured.Unstructured{}
	for _, u := range objects(w, string(b)) {
		if args := forProviderOf(u); args.String("securityGroupId") == "DEFAULT" || args.String("sourceSecurityGroupId") == "DEFAULT" {
			later = append(later, u)
			continue
		}
		w.applyObject(u)
		if u.GetName() == "tokyo-3f9c1a-artefacts" {
			w.ready(u)
		}
	}
	// A build put these: the Lambda's code and the marker of an image.
	for _, key := range []string{"lambda/modelsync-abc123.zip", "markers/image-0123abcd"} {
		err := w.aws.PutObject("comfyui-artefacts-123456789012-ap-northeast-1-3f9c1a", key, []byte("{}"),
			map[string]string{"Built-By": "codebuild", "Digest": "sha256:9f86d081884c7d659a2feaa0c55ad015"})
		if err != nil {
			w.Fatal(err)
		}
	}
	return later
}

// compareAll compares every recorded object with what the double made of its
// manifest. A new provider observes everything anew first: a resource that
// another one changed is otherwise seen at the poll interval only.
func compareAll(t *testing.T, w *workbench, golden []*unstructured.Unstructured, ids names) {
	t.Helper()
	w.stop()
	w.start()
	for _, g := range golden {
		// The recorded ones were applied again, too.
		m := manifest(t, g)
		m.Object["spec"] = ids.translate(m.Object["spec"])
		w.applyObject(m)
	}
	used := map[string]bool{}
	for _, g := range golden {
		want := map[string]any{"spec": ids.translate(runtime.DeepCopyJSONValue(forProviderMap(g))), "status": ids.translate(map[string]any(atProvider(g)))}
		service := rowOf(t, g).Service + "." + g.GetKind()
		forget(service, want, used, nil)
		diff := ""
		for deadline := time.Now().Add(patience / 4); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			l := w.get(g)
			got := map[string]any{"spec": forProviderMap(l), "status": map[string]any(atProvider(l))}
			forget(service, got, used, nil)
			if diff = cmp.Diff(normal(want), normal(got)); diff == "" {
				break
			}
		}
		if diff != "" {
			t.Errorf("%s: -recorded, +double:\n%s", service, diff)
		}
	}
	for path := range artefacts {
		if !used[path] {
			t.Errorf("artefact %s is neither recorded nor made", path)
		}
	}
}

// followed are the kinds that were not recorded, and what their rows follow.
var followed = map[string]string{
	"ec2/SecurityGroupIngressRule":    "the provider that was recorded cannot create it (v2.5.0); the CRD's status, EC2's DescribeSecurityGroupRules",
	"ec2/SecurityGroupEgressRule":     "as SecurityGroupIngressRule",
	"s3/BucketLifecycleConfiguration": "the provider that was recorded cannot create it (v2.5.0); the CRD's status, which echoes the spec",
	"ssm/Parameter":                   "it was not applied; the CRD's status, Terraform's schema of aws_ssm_parameter",
	"ssm/Association":                 "the emulator lacks it; the CRD's status, SSM's DescribeAssociation",
	"autoscaling/Attachment":          "the emulator's EKS makes no auto scaling group; the CRD's status, which echoes the spec",
	"acm/CertificateValidation":       "it was not applied; the CRD's status, which echoes the spec",
	"route53/Record":                  "it was not applied; the CRD's status, which echoes the spec",
	"secretsmanager/Secret":           "it was not applied; the CRD's status, which echoes the spec",
	"secretsmanager/SecretVersion":    "it was not applied; the CRD's status, Secrets Manager's PutSecretValue",
}

func TestKindsThatWereNotRecorded(t *testing.T) {
	has := map[string]bool{}
	for _, g := range recorded(t) {
		k := rowOf(t, g)
		has[k.Service+"/"+k.Name] = true
	}
	for _, k := range kinds() {
		name := k.Service + "/" + k.Name
		why, follows := followed[name]
		switch {
		case follows && has[name]:
			t.Errorf("%s was recorded: compare it", name)
		case follows:
			t.Logf("%s: %s_%s.yaml; %s", name, k.Group(), k.plural, why)
		case !has[name]:
			t.Errorf("%s was not recorded and follows nothing", name)
		}
	}

	w := newWorkbench(t, fast, Options{})
	us := w.apply(only(t, studio(t), "VPC", "Subnet/private-1", "Subnet/private-2", "SecurityGroup", "SecurityGroupIngressRule", "SecurityGroupEgressRule",
		"Bucket", "BucketLifecycleConfiguration", "Role/studio-cluster", "Role/studio-node", "Cluster", "NodeGroup") + `
---
apiVersion: ssm.aws.m.upbound.io/v1beta1
kind: Association
metadata: {name: sync}
spec: {forProvider: {region: ap-northeast-1, name: AWS-RunShellScript, targets: [{key: tag:studio, values: [art]}]}}
---
apiVersion: elbv2.aws.m.upbound.io/v1beta1
kind: LBTargetGroup
metadata: {name: edge}
spec: {forProvider: {region: ap-northeast-1, name: edge, port: 30080, protocol: HTTP, vpcIdRef: {name: vpc}}}
---
apiVersion: acm.aws.m.upbound.io/v1beta1
kind: Certificate
metadata: {name: edge}
spec: {forProvider: {region: us-east-1, domainName: studio.example.com, validationMethod: DNS}}
`)
	w.ready(us...)
	for _, u := range us {
		if u.GetKind() == "Certificate" {
			us = append(us, prove(w, u)...)
		}
		if u.GetKind() != "NodeGroup" {
			continue
		}
		group := atProvider(w.get(u)).List("resources")[0].List("autoscalingGroups")[0].String("name")
		us = append(us, w.apply("apiVersion: autoscaling.aws.m.upbound.io/v1beta1\nkind: Attachment\nmetadata: {name: edge}\n"+
			"spec: {forProvider: {region: ap-northeast-1, autoscalingGroupName: "+group+", lbTargetGroupArnRef: {name: edge}}}")...)
	}
	w.ready(us...)
	for _, u := range us {
		k := rowOf(t, u)
		if _, follows := followed[k.Service+"/"+k.Name]; follows && atProvider(w.get(u)).String("id") == "" {
			t.Errorf("%s has no id in its status", u.GetKind())
		}
	}
}

// prove proves a certificate's name, after a validation that waits for it.
func prove(w *workbench, certificate *unstructured.Unstructured) []*unstructured.Unstructured {
	proof := atProvider(w.get(certificate)).List("domainValidationOptions")[0]
	name := strings.TrimSuffix(proof.String("resourceRecordName"), ".")
	return w.apply(`
apiVersion: acm.aws.m.upbound.io/v1beta1
kind: CertificateValidation
metadata: {name: edge}
spec: {forProvider: {region: us-east-1, certificateArnRef: {name: edge}, validationRecordFqdns: [` + name + `]}}
---
apiVersion: route53.aws.m.upbound.io/v1beta1
kind: Record
metadata: {name: edge}
spec: {forProvider: {zoneId: Z0123456789ABCDEFGHIJ, name: ` + name + `, type: CNAME, ttl: 300, records: [` + proof.String("resourceRecordValue") + `]}}
`)
}
