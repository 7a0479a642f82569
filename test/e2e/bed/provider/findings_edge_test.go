package provider

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

const edge = `
apiVersion: elbv2.aws.m.upbound.io/v1beta1
kind: LB
metadata: {name: edge}
spec: {forProvider: {region: ap-northeast-1, name: edge, internal: true, securityGroupRefs: [{name: alb}], subnetRefs: [{name: private-1}, {name: private-2}]}}
---
apiVersion: cloudfront.aws.m.upbound.io/v1beta1
kind: VPCOrigin
metadata: {name: edge}
spec: {forProvider: {vpcOriginEndpointConfig: {name: edge, arnRef: {name: edge}, httpPort: 80, httpsPort: 443, originProtocolPolicy: http-only, originSslProtocols: {items: [TLSv1.2], quantity: 1}}}}
`

// edgeUp brings up all that a load balancer needs, and it when asked for.
func edgeUp(t *testing.T, scale float64) (w *workbench, lb, origin *unstructured.Unstructured) {
	t.Helper()
	w = newWorkbench(t, scale, Options{})
	w.ready(w.apply(only(t, studio(t), "VPC", "Subnet/private-1", "Subnet/private-2", "InternetGateway", "SecurityGroup"))...)
	us := objects(t, edge)
	return w, us[0], us[1]
}

func TestFinding6SlowVPCOrigin(t *testing.T) {
	t.Parallel()
	w, lb, origin := edgeUp(t, 400)
	if err := w.aws.SetFaults(cloud.Fault{Kind: "VPCOrigin", Mode: cloud.Slow, Factor: 5, Operation: cloud.OpCreate}); err != nil {
		t.Fatal(err)
	}
	w.applyObject(lb)
	w.ready(lb)
	w.applyObject(origin)
	l := w.until(origin, "Creating", func(l *unstructured.Unstructured) bool { return has(l, typeReady, "Creating") })
	if l.GetAnnotations()[annotationName] != "" || len(atProvider(l)) > 0 {
		t.Errorf("during creation: want no external name and no status, got %v", l.Object)
	}
	l = w.until(origin, "Ready", func(l *unstructured.Unstructured) bool { return has(l, typeReady, "Available") })
	e := w.entries("VPCOrigin")[0]
	if e.State != cloud.StateCreating || l.GetAnnotations()[annotationName] != e.ID {
		t.Errorf("after 15 minutes: want Ready and the id while AWS still deploys, got %v and %s", l.GetAnnotations(), e.State)
	}
}

func TestFinding6RestartLosesTheOrigin(t *testing.T) {
	t.Parallel()
	w, lb, origin := edgeUp(t, fast)
	w.applyObject(lb)
	w.ready(lb)
	w.applyObject(origin)
	for len(w.entries("VPCOrigin")) == 0 {
		w.settle(time.Second)
	}
	w.stop()
	w.start()
	w.refused(origin, "EntityAlreadyExists")
	w.settle(20 * time.Minute)
	if diff := cmp.Diff("vo_stub000000000000000000", w.get(origin).GetAnnotations()[annotationName]); diff != "" {
		t.Errorf("external name after a restart: -want, +got:\n%s", diff)
	}
	if n := len(w.entries("VPCOrigin")); n != 1 {
		t.Errorf("AWS holds %d origins", n)
	}
	w.heal(origin, w.entries("VPCOrigin")[0].ID)
}

func TestFinding6RestartLosesTheBalancer(t *testing.T) {
	t.Parallel()
	w, lb, _ := edgeUp(t, fast)
	w.applyObject(lb)
	for len(w.entries("LB")) == 0 {
		w.settle(time.Second)
	}
	w.stop()
	w.start()
	l := w.refused(lb, "ELBv2 Load Balancer (edge) already exists")
	if name := l.GetAnnotations()[annotationName]; name != "" {
		t.Errorf("external name after a restart: %q", name)
	}
	w.settle(20 * time.Minute)
	if l := w.get(lb); l.GetAnnotations()[annotationName] != "" || has(l, typeReady, "Available") {
		t.Errorf("it came back by itself: %v", l.Object)
	}
	w.heal(lb, w.entries("LB")[0].ID)
}

// heal writes an external name by hand, as the runbook says.
func (w *workbench) heal(u *unstructured.Unstructured, name string) {
	w.Helper()
	for range 100 {
		l := w.get(u)
		l.SetAnnotations(merged(l.GetAnnotations(), map[string]string{annotationName: name}))
		if _, err := w.resource(u).Update(context.Background(), l, metav1.UpdateOptions{}); err == nil {
			break
		}
	}
	w.ready(u)
}
