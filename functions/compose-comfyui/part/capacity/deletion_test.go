package capacity

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/role"
)

func TestPoolDropped(t *testing.T) {
	both := newPlan(t, []v1alpha1.Pool{pool("default"), pool("video")})
	one := newPlan(t, []v1alpha1.Pool{pool("default")})
	servers, nodes, class := plan.Servers("video"), plan.NodePool("video"), plan.NodeClass("video")
	order, barrier := kit.UsagePrefix+class+"-by-"+nodes, kit.UsagePrefix+plan.Karpenter+"-by-"+class

	states := up(t, both, known())
	states[servers] = kittest.Ready()

	steps := []struct {
		reason  string
		gone    kit.Key
		desired []kit.Key
		leaving map[kit.Key][]kit.Key
	}{
		{
			reason: "While servers are there the pool's nodes stay, and their order is kept for a claim that is deleted meanwhile.", desired: []kit.Key{class, nodes, barrier, order},
			leaving: map[kit.Key][]kit.Key{nodes: {servers}, class: {nodes}},
		},
		{
			reason: "Then the NodePool goes, with its nodes. Karpenter must outlive their class still.", gone: servers, desired: []kit.Key{class, barrier},
			leaving: map[kit.Key][]kit.Key{class: {nodes}},
		},
		{reason: "And then their class.", gone: nodes},
	}

	for _, s := range steps {
		delete(states, s.gone)

		r := compose(t, one, known(), states)

		var desired []kit.Key

		for _, k := range []kit.Key{class, nodes, barrier, order} {
			if r.Resources[k] != nil {
				desired = append(desired, k)
			}
		}

		if diff := cmp.Diff(s.desired, desired); diff != "" {
			t.Errorf("%s\ndesired: -want, +got:\n%s", s.reason, diff)
		}

		leaving := map[kit.Key][]kit.Key{}

		for k, users := range r.Leaving {
			users = slices.DeleteFunc(slices.Clone(users), func(u kit.Key) bool { return plan.PartOf(u) == "usage" })
			if len(users) > 0 {
				leaving[k] = users
			}
		}

		if diff := cmp.Diff(s.leaving, leaving, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s\nLeaving: -want, +got:\n%s", s.reason, diff)
		}

		for k := range states {
			if plan.PartOf(k) == "usage" && r.Resources[k] == nil {
				delete(states, k)
			}
		}

		if !r.Ready[plan.NodePool("default")] {
			t.Errorf("%s\nthe other pool is touched", s.reason)
		}
	}
}

func TestDeletionOrder(t *testing.T) {
	p := newPlan(t, []v1alpha1.Pool{pool("default"), pool("video")})
	states := up(t, p, known())

	for _, k := range append(untilLastNode(p), plan.Servers("default"), plan.Servers("video")) {
		states[k] = kittest.Ready()
	}

	// The regional gateway is the other way out.
	delete(states, plan.RegionalNAT)

	d := kit.NewDesired(p, kittest.Observe(p.Name, states))
	Compose(p, known(), d)

	for k := range states {
		if !ours(k) {
			d.Add(k, role.New("stands for what other parts make", "{}"))
		}
	}

	r, err := kittest.ResultOf(d)
	if err != nil {
		t.Fatal(err)
	}

	want := []string{}
	for _, of := range []kit.Key{
		plan.ClusterAuth, plan.KubernetesProvider, plan.HelmProvider, plan.KarpenterRole, plan.KarpenterPolicy, plan.KarpenterIdentity,
		plan.SystemNodes, plan.AddonVPCCNI, plan.AddonKubeProxy, plan.AddonCoreDNS, plan.AddonPodIdentity,
		plan.NAT, plan.NATAddress, plan.InternetGateway, plan.PrivateEgress, plan.PublicEgress, plan.PublicSubnetRoutes("apne1-az4"),
		plan.PrivateSubnetRoutes("apne1-az4"), plan.PrivateSubnetRoutes("apne1-az1"),
		plan.GPUNodeRole, plan.GPUNodeRoleWorker, plan.GPUNodeRoleCNI, plan.GPUNodeRoleRegistry, plan.GPUNodeRoleSSM,
		plan.GPUNodeRoleModels, plan.GPUNodeProfile, plan.GPUNodeEntry,
		plan.PrivateRoutes, plan.PublicRoutes, plan.InterruptionQueue,
	} {
		want = append(want, string(of)+" by "+string(plan.Karpenter))
	}

	for _, name := range []string{"default", "video"} {
		want = append(want,
			string(plan.NodePool(name))+" by "+string(plan.Servers(name)),
			string(plan.NodeClass(name))+" by "+string(plan.NodePool(name)),
			string(plan.Karpenter)+" by "+string(plan.NodeClass(name)))
	}

	var got []string

	for k := range r.Resources {
		if rest, ok := strings.CutPrefix(string(k), kit.UsagePrefix); ok {
			of, by, _ := strings.Cut(rest, "-by-")
			got = append(got, of+" by "+by)
		}
	}

	if diff := cmp.Diff(want, got, cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Errorf("Usages: -want, +got:\n%s", diff)
	}
}
