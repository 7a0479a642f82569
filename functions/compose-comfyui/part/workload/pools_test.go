package workload

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// TestPools changes pools. What the spec drops goes in order, and no other pool
// is touched.
func TestPools(t *testing.T) {
	people, video := pool("people", 1, 3), pool("video", 0, 2)

	ofVideo := []kit.Key{plan.ServersBudget("video"), plan.Servers("video"), plan.ServersService("video")}

	type want struct {
		Desired []kit.Key
		Changed []kit.Key
		Leaving map[kit.Key][]kit.Key
	}

	cases := map[string]struct {
		reason   string
		from, to edit
		lacks    []kit.Key
		want     want
	}{
		"Same": {
			reason: "The order of pools is nobody's business but the configuration's.",
			from:   pools(people, video), to: pools(video, people),
			want: want{Desired: ofVideo, Changed: []kit.Key{plan.FrontDoorConfig}},
		},
		"Added": {
			reason: "A pool comes with its servers, and the front door is told.",
			from:   pools(people), to: pools(people, video),
			want: want{Changed: []kit.Key{plan.FrontDoorConfig}},
		},
		"Dropped": {
			reason: "Servers go first; what leads to them stays for them.",
			from:   pools(people, video), to: pools(people),
			want: want{
				Desired: []kit.Key{plan.ServersBudget("video"), plan.ServersService("video")},
				Changed: []kit.Key{plan.FrontDoorConfig},
				Leaving: map[kit.Key][]kit.Key{
					plan.ServersBudget("video"):  {plan.Servers("video")},
					plan.ServersService("video"): {plan.Servers("video")},
				},
			},
		},
		"ServersGone": {
			reason: "Then the rest goes.",
			from:   pools(people, video), to: pools(people),
			lacks: []kit.Key{plan.Servers("video")},
			want:  want{Changed: []kit.Key{plan.FrontDoorConfig}},
		},
		"MoreServers": {
			reason: "How many servers run is the front door's: pods stay what they are.",
			from:   pools(people, video), to: pools(people, pool("video", 1, 4)),
			want: want{Desired: ofVideo, Changed: []kit.Key{plan.FrontDoorConfig, plan.Servers("video")}},
		},
		"OtherArguments": {
			reason: "Arguments are the pool's alone.",
			from:   pools(people, video), to: pools(people, pool("video", 0, 2, "--lowvram")),
			want: want{Desired: ofVideo, Changed: []kit.Key{plan.Servers("video")}},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			from := newPlan(t, tc.from)
			states := up(t, from, known())
			before := compose(t, from, known(), states)

			for _, k := range tc.lacks {
				delete(states, k)
			}

			// The capacity part's NodePool goes after the servers.
			after := compose(t, newPlan(t, tc.to), known(), states)
			got := want{Leaving: after.Leaving}

			for _, k := range ofVideo {
				if after.Resources[k] != nil {
					got.Desired = append(got.Desired, k)
				}
			}

			for k, u := range before.Resources {
				if is := after.Resources[k]; is != nil && after.Leaving[k] == nil && !cmp.Equal(u.Object["spec"], is.Object["spec"]) {
					got.Changed = append(got.Changed, k)
				}
			}

			less := cmpopts.SortSlices(func(a, b kit.Key) bool { return a < b })
			if diff := cmp.Diff(tc.want, got, less, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s\nCompose(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestMoreServersStartNothing holds a change of counts from the pods: a changed
// template ends every server.
func TestMoreServersStartNothing(t *testing.T) {
	template := func(most int32) corev1.PodTemplateSpec {
		p := newPlan(t, pools(pool("people", 1, most)))
		return in[appsv1.Deployment](t, compose(t, p, known(), up(t, p, known())), plan.Servers("people")).Spec.Template
	}

	if diff := cmp.Diff(template(3), template(4)); diff != "" {
		t.Errorf("Pod template: -before, +after:\n%s", diff)
	}
}

// TestBudgets holds that nodes can be emptied, one server after the other.
func TestBudgets(t *testing.T) {
	p := newPlan(t)
	r := compose(t, p, known(), up(t, p, known()))

	for _, k := range []kit.Key{plan.FrontDoorBudget, plan.ServersBudget("people")} {
		b := in[policyv1.PodDisruptionBudget](t, r, k).Spec
		if b.MaxUnavailable.IntValue() != 1 || *b.UnhealthyPodEvictionPolicy != policyv1.AlwaysAllow {
			t.Errorf("%s: %v", k, b)
		}
	}
}

// TestDeletionOrder lists the pairs that hold when the claim is deleted, on which
// day no function runs. Servers by their NodePool are the capacity part's.
func TestDeletionOrder(t *testing.T) {
	p := newPlan(t)
	f := known()
	states := up(t, p, f)

	d := kit.NewDesired(p, kittest.Observe(p.Name, states))
	Compose(p, f, d)
	d.Add(plan.NodePool("people"), budget(d, "stands-for-the-node-pool", nil))

	for k := range states {
		if slices.Contains(others, plan.PartOf(k)) && k != plan.NodePool("people") {
			d.RemoveAfter(k)
		}
	}

	r, err := kittest.ResultOf(d)
	if err != nil {
		t.Fatal(err)
	}

	pair := func(of, by kit.Key) kit.Key { return kit.Key(kit.UsagePrefix + string(of) + "-by-" + string(by)) }

	want := []kit.Key{
		pair(plan.NodePool("people"), plan.ServersBudget("people")),
		pair(plan.NodePool("people"), plan.ServersService("people")),
	}

	var got []kit.Key

	for _, k := range slices.Sorted(maps.Keys(r.Resources)) {
		if plan.PartOf(k) == "usage" {
			got = append(got, k)
		}
	}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Usages: -want, +got:\n%s", diff)
	}
}
