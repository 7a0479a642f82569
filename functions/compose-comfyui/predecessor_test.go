package main

import (
	"context"
	"strings"
	"testing"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
)

// TestPredecessor applies a claim while the studio before it is still being
// deleted. It waits, tells so, and asks for what is left until nothing is.
func TestPredecessor(t *testing.T) {
	before := newWorld(t, loadClaim(t, "testdata/claims/single.yaml"))
	before.settle()

	w := newWorld(t, loadClaim(t, "testdata/claims/single.yaml"))
	first := w.run()

	selector := first.GetRequirements().GetResources()["previous VPC.ec2.aws.m.upbound.io"]
	labels := selector.GetMatchLabels().GetLabels()

	metadata := w.claim["metadata"].(map[string]any)
	if selector.GetKind() != "VPC" || selector.GetNamespace() != metadata["namespace"] || labels["crossplane.io/composite"] != metadata["name"] {
		t.Errorf("a new claim asks for %v, want the VPCs of its own namespace and name", selector)
	}

	for k, o := range before.observed {
		kind := "previous " + o["kind"].(string) + "." + strings.Split(o["apiVersion"].(string), "/")[0]
		if o["kind"] != "ProviderConfig" && o["kind"] != "Secret" && first.GetRequirements().GetResources()[kind] == nil {
			t.Errorf("%s may be left, and %q is not asked for", k, kind)
		}
	}

	rsp := w.runBehind(before)
	if n := len(rsp.GetDesired().GetResources()); n > 0 {
		t.Errorf("%d resources are composed while the studio before is still there", n)
	}

	for _, c := range rsp.GetConditions() {
		if want := "previous studio is still being deleted (2 left)"; c.GetMessage() != want || c.GetReason() != "Waiting" {
			t.Errorf("%s: want Waiting %q, got %s %q", c.GetType(), want, c.GetReason(), c.GetMessage())
		}
	}

	if ready := rsp.GetDesired().GetComposite().GetReady(); ready != fnv1.Ready_READY_FALSE {
		t.Errorf("the claim is %v, want it not ready", ready)
	}

	before.observed = nil

	rsp = w.runBehind(before)
	if rsp.GetDesired().GetResources()["network-vpc"] == nil {
		t.Error("nothing is left, and the VPC is not composed")
	}

	w.apply(rsp)

	if asked := w.run().GetRequirements(); asked != nil {
		t.Errorf("a claim that has something asks for %v", asked)
	}
}

// runBehind runs the function for a claim behind another of the same name, of
// which a VPC and a role are left.
func (w *world) runBehind(before *world) *fnv1.RunFunctionResponse {
	w.t.Helper()

	req := w.request()
	req.RequiredResources = map[string]*fnv1.Resources{}

	for _, k := range []string{"network-vpc", "cluster-role"} {
		items := []*fnv1.Resource{}

		if o := before.observed[k]; o != nil {
			o["metadata"].(map[string]any)["ownerReferences"] = []any{map[string]any{
				"apiVersion": w.claim["apiVersion"], "kind": w.claim["kind"], "name": w.claim["metadata"].(map[string]any)["name"],
				"uid": "of-before", "controller": true,
			}}
			items = append(items, &fnv1.Resource{Resource: toStruct(w.t, o)})
		}

		req.RequiredResources[k] = &fnv1.Resources{Items: items}
	}

	rsp, err := newFunction().RunFunction(context.Background(), req)
	if err != nil {
		w.t.Fatalf("RunFunction(...): unexpected transport error: %v", err)
	}

	return rsp
}
