package cluster

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plantest"
)

const (
	platform = "arn:aws:iam::123456789012:role/platform"
	onCall   = "arn:aws:iam::123456789012:user/on-call"
)

func newPlan(t *testing.T, version v1alpha1.KubernetesVersion, admins ...string) plan.Plan {
	t.Helper()

	return plantest.InAccount(t, func(s *v1alpha1.ComfyUIStudioSpec) {
		s.Kubernetes.Version, s.Kubernetes.AdminPrincipals = version, admins
	})
}

// up observes everything that the part adds, and what it refers to, as ready.
func up(t *testing.T, p plan.Plan, f facts.Facts) map[kit.Key]kittest.State {
	t.Helper()

	states := map[kit.Key]kittest.State{}

	// Whatever waits is there the next time, and lets others come.
	for range 10 {
		r := compose(t, p, f, states)

		for k := range r.Resources {
			states[k] = kittest.Ready()
		}

		for _, keys := range r.Waiting {
			for _, k := range keys {
				if plan.PartOf(kit.Key(k)) == "network" {
					states[kit.Key(k)] = kittest.Ready()
				}
			}
		}

		if len(r.Waiting) == 0 {
			return states
		}
	}

	t.Fatal("the cluster does not come up")

	return nil
}

func compose(t *testing.T, p plan.Plan, f facts.Facts, states map[kit.Key]kittest.State) kittest.Result {
	t.Helper()

	d := kit.NewDesired(p, kittest.Observe(p.Name, states))
	Compose(p, f, d)

	// The network is another part's; here it is nobody's.
	for k := range states {
		if plan.PartOf(k) == "network" {
			d.RemoveAfter(k)
		}
	}

	r, err := kittest.ResultOf(d)
	if err != nil {
		t.Fatal(err)
	}

	maps.DeleteFunc(r.Leaving, func(k kit.Key, _ []kit.Key) bool { return plan.PartOf(k) == "network" })

	return r
}

// TestVersion goes through an upgrade. Nodes must never be ahead of the control
// plane, so the group follows what runs, not what is asked for.
func TestVersion(t *testing.T) {
	type want struct{ Cluster, Nodes string }

	cases := map[string]struct {
		reason       string
		asked        v1alpha1.KubernetesVersion
		runs         string
		want         want
		nodesWaiting []string
	}{
		"Creating": {
			reason:       "Before the control plane is there nobody knows which version nodes shall have.",
			asked:        "1.35",
			want:         want{Cluster: "1.35"},
			nodesWaiting: []string{"the cluster's version"},
		},
		"Asked": {
			reason: "The control plane goes first; nodes stay.",
			asked:  "1.36", runs: "1.35",
			want: want{Cluster: "1.36", Nodes: "1.35"},
		},
		"Done": {
			reason: "Nodes follow when it has moved.",
			asked:  "1.36", runs: "1.36",
			want: want{Cluster: "1.36", Nodes: "1.36"},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p := newPlan(t, tc.asked)
			states := up(t, p, facts.Facts{ClusterVersion: "1.35"})

			if tc.runs == "" {
				delete(states, plan.SystemNodes)
			}

			r := compose(t, p, facts.Facts{ClusterVersion: tc.runs}, states)

			got := want{}
			got.Cluster, _, _ = unstructured.NestedString(r.Resources[plan.Cluster].Object, "spec", "forProvider", "version")

			if nodes := r.Resources[plan.SystemNodes]; nodes != nil {
				got.Nodes, _, _ = unstructured.NestedString(nodes.Object, "spec", "forProvider", "version")
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nversions: -want, +got:\n%s", tc.reason, diff)
			}

			if diff := cmp.Diff(tc.nodesWaiting, r.Waiting[plan.SystemNodes]); diff != "" {
				t.Errorf("%s\nWaiting: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestAdmins lets an admin in and takes away what makes them one, piece by
// piece. EKS refuses a policy for who has no entry.
func TestAdmins(t *testing.T) {
	entry, admin := plan.AdminEntry(onCall), plan.AdminPolicy(onCall)
	others := []kit.Key{plan.AdminEntry(platform), plan.AdminPolicy(platform)}

	type want struct {
		Desired []kit.Key
		Leaving map[kit.Key][]kit.Key
		Waiting map[kit.Key][]string
	}

	cases := map[string]struct {
		reason string
		admins []string
		lacks  []kit.Key
		want   want
	}{
		"Added": {
			reason: "The entry comes first, the policy waits for it.",
			admins: []string{platform, onCall},
			lacks:  []kit.Key{entry, admin},
			want:   want{Desired: append([]kit.Key{entry}, others...), Waiting: map[kit.Key][]string{admin: {string(entry)}}},
		},
		"There": {
			reason: "Both are there.",
			admins: []string{onCall, platform},
			want:   want{Desired: append([]kit.Key{entry, admin}, others...)},
		},
		"Dropped": {
			reason: "The policy leaves, the entry stays for it.",
			admins: []string{platform},
			want:   want{Desired: append([]kit.Key{entry}, others...), Leaving: map[kit.Key][]kit.Key{entry: {admin}}},
		},
		"PolicyGone": {
			reason: "Then the entry leaves.",
			admins: []string{platform},
			lacks:  []kit.Key{admin},
			want:   want{Desired: others},
		},
		"AllDropped": {
			reason: "Nobody is left, and the others went the same way.",
			want:   want{Desired: []kit.Key{entry, others[0]}, Leaving: map[kit.Key][]kit.Key{entry: {admin}, others[0]: {others[1]}}},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			f := facts.Facts{ClusterVersion: "1.35"}
			states := up(t, newPlan(t, "1.35", platform, onCall), f)

			for _, k := range tc.lacks {
				delete(states, k)
			}

			r := compose(t, newPlan(t, "1.35", tc.admins...), f, states)

			got := want{Leaving: r.Leaving, Waiting: r.Waiting}

			for _, k := range append([]kit.Key{entry, admin}, others...) {
				if r.Resources[k] != nil {
					got.Desired = append(got.Desired, k)
				}
			}

			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty(), cmpopts.SortSlices(func(a, b kit.Key) bool { return a < b })); diff != "" {
				t.Errorf("%s\nCompose(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestAdminEntry holds that an entry is a person's: EKS makes those of its
// node groups' roles itself and refuses a second.
func TestAdminEntry(t *testing.T) {
	p, f := newPlan(t, "1.35", onCall), facts.Facts{ClusterVersion: "1.35"}
	r := compose(t, p, f, up(t, p, f))

	got, _, _ := unstructured.NestedMap(r.Resources[plan.AdminEntry(onCall)].Object, "spec", "forProvider")
	delete(got, "tags")

	want := map[string]any{
		"region":         "ap-northeast-1",
		"clusterNameRef": map[string]any{"name": p.Name(plan.Cluster)},
		"principalArn":   onCall,
		"type":           "STANDARD",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("AccessEntry: -want, +got:\n%s", diff)
	}
}

// TestDeletionOrder lists the pairs that hold when the claim is deleted, on
// which day no function runs.
func TestDeletionOrder(t *testing.T) {
	p, f := newPlan(t, "1.35"), facts.Facts{ClusterVersion: "1.35"}
	r := compose(t, p, f, up(t, p, f))

	pair := func(of, by kit.Key) kit.Key { return kit.Key(kit.UsagePrefix + string(of) + "-by-" + string(by)) }

	want := map[kit.Key]bool{
		pair(plan.Cluster, plan.SystemNodes):          true,
		pair(plan.ClusterRole, plan.Cluster):          true,
		pair(plan.ClusterRolePolicy, plan.Cluster):    true,
		pair(plan.NodeRole, plan.SystemNodes):         true,
		pair(plan.NodeRoleWorker, plan.SystemNodes):   true,
		pair(plan.NodeRoleCNI, plan.SystemNodes):      true,
		pair(plan.NodeRoleRegistry, plan.SystemNodes): true,
		pair(plan.NodeRoleSSM, plan.SystemNodes):      true,
	}
	got := map[kit.Key]bool{}

	for k := range r.Resources {
		if plan.PartOf(k) == "usage" {
			got[k] = true
		}
	}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Usages: -want, +got:\n%s", diff)
	}
}
