package main

import (
	"maps"
	"strings"
	"testing"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// TestCloudFrontSwitch takes a finished studio out of CloudFront and back, run by
// run, while AWS takes its time to delete. Nothing goes that something uses, the
// rest of the studio stays live, and it ends where a studio that was made so
// stands.
func TestCloudFrontSwitch(t *testing.T) {
	for _, name := range []string{"single", "inside"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, loadClaim(t, "testdata/claims/"+name+".yaml"))
			w.settle()

			for step, cdn := range []bool{false, true, false} {
				setIn(t, w.claim, cdn, "spec", "access", "cdn")
				setIn(t, w.claim, map[string]any{"step": string(rune('a' + step))}, "spec", "tags")
				settleSlowly(t, w)

				fresh := newWorld(t, loadClaim(t, "testdata/claims/"+name+".yaml"))
				setIn(t, fresh.claim, cdn, "spec", "access", "cdn")
				fresh.settle()

				if diff := cmp.Diff(sortedKeys(fresh.observed), sortedKeys(w.observed)); diff != "" {
					t.Errorf("cdn %t: resources: -of a new studio, +got:\n%s", cdn, diff)
				}

				if diff := cmp.Diff(fresh.url(), w.url()); diff != "" {
					t.Errorf("cdn %t: status.url: -of a new studio, +got:\n%s", cdn, diff)
				}
			}
		})
	}
}

// TestFirewallSwitch puts a firewall before a finished studio and takes it away.
func TestFirewallSwitch(t *testing.T) {
	w := newWorld(t, loadClaim(t, "testdata/claims/single.yaml"))
	w.settle()

	before := sortedKeys(w.observed)

	setIn(t, w.claim, []any{"203.0.113.0/24"}, "spec", "access", "allowedCIDRs")
	settleSlowly(t, w)

	params := w.observed[string(plan.Distribution)]["spec"].(map[string]any)["forProvider"].(map[string]any)
	if params["webAclId"] == nil {
		t.Error("The distribution has no firewall")
	}

	delete(w.claim["spec"].(map[string]any)["access"].(map[string]any), "allowedCIDRs")
	settleSlowly(t, w)

	if diff := cmp.Diff(before, sortedKeys(w.observed)); diff != "" {
		t.Errorf("resources: -before, +after:\n%s", diff)
	}
}

// settleSlowly runs until the studio stands still. What leaves stays for three
// runs, as AWS takes minutes for it.
func settleSlowly(t *testing.T, w *world) {
	t.Helper()

	gone := map[string]int{}

	for range 60 {
		rsp := w.run()
		checkLeaving(t, w, rsp)
		checkUsers(t, w, rsp)
		checkTags(t, w, rsp)

		going := map[string]map[string]any{}

		for k, o := range w.observed {
			if rsp.GetDesired().GetResources()[k] != nil || strings.HasPrefix(k, "usage-") {
				continue
			}

			if gone[k]++; gone[k] <= 3 {
				o = copyOf(t, o)
				o["metadata"].(map[string]any)["deletionTimestamp"] = "2026-11-24T20:00:00Z"
				going[k] = o
			}
		}

		n := len(w.observed)
		w.apply(rsp)
		maps.Copy(w.observed, going)

		if len(going) == 0 && n == len(w.observed) && rsp.GetMeta().GetTtl().AsDuration() == readyTTL {
			return
		}
	}

	t.Fatal("the studio does not settle within 60 runs")
}

// checkUsers holds what of the edge holds what, though no reference says so: AWS
// refuses to delete the one while the other is there.
func checkUsers(t *testing.T, w *world, rsp *fnv1.RunFunctionResponse) {
	t.Helper()

	for k := range w.observed {
		var user string

		switch {
		case rsp.GetDesired().GetResources()[k] != nil:
		case strings.HasPrefix(k, plan.VPCOrigins), k == string(plan.WebACL):
			user = string(plan.Distribution)
		case k == string(plan.AllowedIPv4), k == string(plan.AllowedIPv6):
			user = string(plan.WebACL)
		}

		if w.observed[user] == nil {
			continue
		}

		// A web ACL may also go when the distribution stays without it.
		params, _ := w.observed[user]["spec"].(map[string]any)["forProvider"].(map[string]any)
		if k == string(plan.WebACL) && params["webAclId"] == nil {
			continue
		}

		t.Errorf("%s leaves before %s is gone", k, user)
	}
}

// checkTags holds that a change of tags passes in every run.
func checkTags(t *testing.T, w *world, rsp *fnv1.RunFunctionResponse) {
	t.Helper()

	tags, _ := w.claim["spec"].(map[string]any)["tags"].(map[string]any)

	spec := rsp.GetDesired().GetResources()[string(plan.VPC)].GetResource().AsMap()["spec"].(map[string]any)
	got := spec["forProvider"].(map[string]any)["tags"].(map[string]any)

	if tags["step"] != nil && got["step"] != tags["step"] {
		t.Errorf("the VPC's tags are of another step: %v", got)
	}
}

// url is what the claim tells people.
func (w *world) url() string {
	status, _ := w.claim["status"].(map[string]any)
	url, _ := status["url"].(string)

	return url
}
