package capacity

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plantest"
)

const account = plantest.Account

// mirrored is the release that is in the account.
var mirrored = plan.Release{NodeDaemonSHA256: strings.Repeat("b2", 32)}

func pool(name string, mods ...func(*v1alpha1.Pool)) v1alpha1.Pool {
	p := v1alpha1.Pool{
		Name: name, InstanceTypes: []string{"g6.2xlarge", "g5.2xlarge"}, Purchase: v1alpha1.PurchaseOnDemand, MaxGPUs: 4,
		Servers: v1alpha1.Servers{Min: new(int32(1)), Max: 1},
	}
	for _, m := range mods {
		m(&p)
	}

	return p
}

func newPlan(t *testing.T, pools []v1alpha1.Pool, edits ...func(*v1alpha1.ComfyUIStudioSpec)) plan.Plan {
	t.Helper()

	base := func(s *v1alpha1.ComfyUIStudioSpec) {
		s.Network.ZoneIDs, s.Pools = []string{"apne1-az4", "apne1-az1"}, pools
	}

	return plantest.InAccount(t, append([]func(*v1alpha1.ComfyUIStudioSpec){base}, edits...)...)
}

// known are the facts of a studio whose cluster stands.
func known() facts.Facts {
	return facts.Facts{
		Account: account, PrivateSubnetIDs: []string{"subnet-0a", "subnet-0b"},
		ClusterEndpoint: "https://0123.gr7.ap-northeast-1.eks.amazonaws.com", ClusterVersion: "1.35", ClusterSecurityGroupID: "sg-0c",
		Image: facts.Image{AgentMirrored: true, Agent: mirrored},
	}
}

func ours(k kit.Key) bool { return plan.PartOf(k) == "capacity" || plan.PartOf(k) == "usage" }

func compose(t *testing.T, p plan.Plan, f facts.Facts, states map[kit.Key]kittest.State) kittest.Result {
	t.Helper()

	d := kit.NewDesired(p, kittest.Observe(p.Name, states))
	Compose(p, f, d)

	// What other parts make is nobody's here, and stays.
	for k := range states {
		if !ours(k) {
			d.RemoveAfter(k, plan.VPC)
		}
	}

	r, err := kittest.ResultOf(d)
	if err != nil {
		t.Fatal(err)
	}

	maps.DeleteFunc(r.Leaving, func(k kit.Key, _ []kit.Key) bool { return !ours(k) })

	return r
}

// up observes everything that the part adds, and what it waits for, as ready.
func up(t *testing.T, p plan.Plan, f facts.Facts) map[kit.Key]kittest.State {
	t.Helper()

	states := map[kit.Key]kittest.State{plan.VPC: kittest.Ready()}

	for range 12 {
		r := compose(t, p, f, states)

		for k, o := range r.Resources {
			states[k] = stateOf(o.Object)
		}

		for _, keys := range r.Waiting {
			for _, k := range keys {
				if p.Known(kit.Key(k)) && !ours(kit.Key(k)) {
					states[kit.Key(k)] = kittest.Ready()
				}
			}
		}

		if len(r.Waiting) == 0 {
			return states
		}
	}

	t.Fatal("the capacity does not come up")

	return nil
}

// stateOf is a ready resource with the spec that it was given.
func stateOf(o map[string]any) kittest.State {
	s := kittest.Ready()
	s.APIVersion, _ = o["apiVersion"].(string)
	s.Kind, _ = o["kind"].(string)
	s.Spec, _ = o["spec"].(map[string]any)

	return s
}

// manifestOf is what an Object puts into the cluster.
func manifestOf(t *testing.T, r kittest.Result, k kit.Key) map[string]any {
	t.Helper()

	o := r.Resources[k]
	if o == nil {
		t.Fatalf("%s is not composed: %v", k, r.Waiting[k])
	}

	m, _, _ := unstructured.NestedMap(o.Object, "spec", "forProvider", "manifest")

	return m
}

// TestOrder holds back one thing after the other that the release and the pools
// need. Whatever is missing, a run says so and makes nothing of it.
// TestOtherRelease holds that nodes fetch the daemon that is in the account,
// whatever release the function was made with.
// TestPool holds that each field of a pool has its effect in the cluster.
// TestNodePoolKeeps pins what keeps work from being lost and the end of a studio
// from taking for ever.
// TestNodeClass pins how nodes are launched, the user data aside.
// TestPoolDropped lets one of two pools go. Its servers leave first, its nodes
// then, their class last, and nothing of the other pool changes.
// TestDeletionOrder lists the pairs that hold when the claim is deleted, on
// which day no function runs.
// TestValues pins what Karpenter is told, beside what its chart says by itself.
func TestValues(t *testing.T) {
	p := newPlan(t, []v1alpha1.Pool{pool("default")})
	r := compose(t, p, known(), up(t, p, known()))

	got, _, _ := unstructured.NestedMap(r.Resources[plan.Karpenter].Object, "spec", "forProvider", "values", "settings")
	want := map[string]any{
		"clusterName": "tokyo-128572-cluster", "clusterEndpoint": "https://0123.gr7.ap-northeast-1.eks.amazonaws.com",
		"eksControlPlane": true, "interruptionQueue": "tokyo-128572-interruptions",
		"featureGates": map[string]any{
			"capacityBuffer": false, "nodeOverlay": false, "nodeRepair": false, "reservedCapacity": false, "spotToSpotConsolidation": false, "staticCapacity": false,
		},
	}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings: -want, +got:\n%s", diff)
	}

	for k, name := range map[kit.Key]string{plan.Karpenter: "karpenter", plan.DevicePlugin: "nvidia-device-plugin"} {
		o := r.Resources[k]
		if got := o.GetAnnotations()["crossplane.io/external-name"]; got != name {
			t.Errorf("%s: want the release %q, got %q", k, name, got)
		}

		chart, _, _ := unstructured.NestedStringMap(o.Object, "spec", "forProvider", "chart")
		if chart["version"] == "" || chart["name"] != name || chart["repository"] == "" {
			t.Errorf("%s: want the pinned chart %s, got %v", k, name, chart)
		}
	}
}

// statements reads a policy document.
func statements(t *testing.T, doc string) []statement {
	t.Helper()

	d := struct {
		Statement []statement `json:"Statement"`
	}{}
	if err := json.Unmarshal([]byte(doc), &d); err != nil {
		t.Fatal(err)
	}

	return d.Statement
}

type statement struct {
	Sid       string                         `json:"Sid"`
	Action    []string                       `json:"Action"`
	Resource  []string                       `json:"Resource"`
	Condition map[string]map[string][]string `json:"Condition"`
}
