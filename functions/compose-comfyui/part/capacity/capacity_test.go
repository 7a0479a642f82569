package capacity

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

const account = "123456789012"

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

func newPlan(t *testing.T, pools []v1alpha1.Pool, mods ...func(*v1alpha1.ComfyUIStudio)) plan.Plan {
	t.Helper()

	xr := &v1alpha1.ComfyUIStudio{
		ObjectMeta: metav1.ObjectMeta{Namespace: "art", Name: "tokyo"},
		Spec: v1alpha1.ComfyUIStudioSpec{
			Region:            "ap-northeast-1",
			ProviderConfigRef: v1alpha1.ProviderConfigRef{Kind: "ClusterProviderConfig", Name: "default"},
			Kubernetes:        v1alpha1.Kubernetes{Version: "1.35", APIAllowedCIDRs: []string{"0.0.0.0/0"}},
			Network:           v1alpha1.Network{CIDR: "10.42.0.0/16", ZoneIDs: []string{"apne1-az4", "apne1-az1"}},
			Pools:             pools,
		},
	}
	for _, m := range mods {
		m(xr)
	}

	p, err := plan.New(xr)
	if err != nil {
		t.Fatal(err)
	}

	return p.InAccount(account)
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

func compose(t *testing.T, p plan.Plan, f facts.Facts, states map[kit.Key]kittest.State) kit.Result {
	t.Helper()

	d := kit.NewDesired(p, kittest.Observe(p.Name, states))
	Compose(p, f, d)

	// What other parts make is nobody's here, and stays.
	for k := range states {
		if !ours(k) {
			d.RemoveAfter(k, plan.VPC)
		}
	}

	r, err := d.Result()
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
func manifestOf(t *testing.T, r kit.Result, k kit.Key) map[string]any {
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
func TestOrder(t *testing.T) {
	p := newPlan(t, []v1alpha1.Pool{pool("default")})
	class := plan.NodeClass("default")

	cases := map[string]struct {
		reason string
		key    kit.Key
		lacks  []kit.Key
		facts  func(f *facts.Facts)
		// refused would be errors if they existed: their value is lost.
		refused []kit.Key
		want    []string
	}{
		"ReleaseNodes": {
			reason: "Karpenter runs on the system nodes, which reach AWS and give it credentials.",
			key:    plan.Karpenter, lacks: []kit.Key{plan.SystemNodes, plan.AddonVPCCNI, plan.AddonPodIdentity, plan.PrivateEgress},
			want: []string{string(plan.AddonPodIdentity), string(plan.AddonVPCCNI), string(plan.SystemNodes), string(plan.PrivateEgress)},
		},
		"ReleaseIdentity": {
			reason: "Its pods have no credentials if they start before the association.",
			key:    plan.Karpenter, lacks: []kit.Key{plan.KarpenterIdentity, plan.KarpenterPolicy, plan.InterruptionQueuePolicy, plan.InterruptionQueue},
			want: []string{string(plan.KarpenterIdentity), string(plan.KarpenterPolicy), string(plan.InterruptionQueue), string(plan.InterruptionQueuePolicy)},
		},
		"ReleaseEndpoint": {
			reason: "Nodes are told the endpoint.",
			key:    plan.Karpenter, facts: func(f *facts.Facts) { f.ClusterEndpoint = "" },
			want: []string{"the cluster's endpoint"},
		},
		"ReleaseWayIn": {
			reason: "Nothing reaches the cluster before the way in is there.",
			key:    plan.Karpenter, lacks: []kit.Key{plan.HelmProvider},
			want: []string{string(plan.HelmProvider)},
		},
		"Identity": {
			reason: "The association comes after the policy: a role without it would start nothing.",
			key:    plan.KarpenterIdentity, lacks: []kit.Key{plan.KarpenterPolicy},
			want: []string{string(plan.KarpenterPolicy)},
		},
		"PolicyNetwork": {
			reason: "The role's policy names where nodes may be.",
			key:    plan.KarpenterPolicy, facts: func(f *facts.Facts) { f.PrivateSubnetIDs, f.ClusterSecurityGroupID = nil, "" },
			refused: []kit.Key{class},
			want:    []string{"the private subnets' ids", "the cluster's security group"},
		},
		"ClassRelease": {
			reason: "The release brings the custom resources.",
			key:    class, lacks: []kit.Key{plan.Karpenter},
			want: []string{string(plan.Karpenter)},
		},
		"ClassNode": {
			reason: "A node without its entry, its profile or its policies is launched and never joins.",
			key:    class, lacks: nodeKeys(),
			want: []string{
				string(plan.GPUNodeEntry), string(plan.GPUNodeProfile), string(plan.GPUNodeRole), string(plan.GPUNodeRoleCNI),
				string(plan.GPUNodeRoleModels), string(plan.GPUNodeRoleRegistry), string(plan.GPUNodeRoleSSM), string(plan.GPUNodeRoleWorker),
			},
		},
		"ClassImage": {
			reason: "A node fetches our daemon when it starts.",
			key:    class, facts: func(f *facts.Facts) { f.Image.Agent = plan.Release{} },
			want: []string{"the node daemon in the account"},
		},
		"Pool": {
			reason: "Karpenter takes no NodePool whose class it does not know.",
			key:    plan.NodePool("default"), lacks: []kit.Key{class},
			want: []string{string(class)},
		},
		"Target": {
			reason: "EventBridge drops events for a queue that does not let it write.",
			key:    plan.InterruptionTarget(plan.InterruptionSpot), lacks: []kit.Key{plan.InterruptionQueuePolicy, plan.InterruptionRule(plan.InterruptionSpot)},
			want: []string{string(plan.InterruptionQueuePolicy), string(plan.InterruptionRule(plan.InterruptionSpot))},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			states, f := up(t, p, known()), known()
			delete(states, tc.key)

			for _, k := range tc.lacks {
				delete(states, k)
			}

			if tc.facts != nil {
				tc.facts(&f)
			}

			for _, k := range tc.refused {
				delete(states, k)
			}

			if diff := cmp.Diff(tc.want, compose(t, p, f, states).Waiting[tc.key], cmpopts.SortSlices(strings.Compare)); diff != "" {
				t.Errorf("%s\nWaiting[%s]: -want, +got:\n%s", tc.reason, tc.key, diff)
			}
		})
	}
}

// TestOtherRelease holds that nodes fetch the daemon that is in the account,
// whatever release the function was made with.
func TestOtherRelease(t *testing.T) {
	p := newPlan(t, []v1alpha1.Pool{pool("default")}).WithRelease(plan.Release{NodeDaemonSHA256: strings.Repeat("c3", 32)})

	data, _, _ := unstructured.NestedString(manifestOf(t, compose(t, p, known(), up(t, p, known())), plan.NodeClass("default")), "spec", "userData")
	if !strings.Contains(data, mirrored.NodeDaemonSHA256) || strings.Contains(data, p.Release.NodeDaemonSHA256) {
		t.Errorf("user data names another daemon than the one that is there:\n%s", data)
	}
}

// TestPool holds that each field of a pool has its effect in the cluster.
func TestPool(t *testing.T) {
	type want struct {
		Requirements map[string]string
		Limit        string
		Label        string
	}

	base := func(mods ...func(*want)) want {
		w := want{
			Requirements: map[string]string{
				"kubernetes.io/arch":                    "In [amd64]",
				"node.kubernetes.io/instance-type":      "In [g6.2xlarge g5.2xlarge]",
				"karpenter.sh/capacity-type":            "In [on-demand]",
				"karpenter.k8s.aws/instance-local-nvme": "Gt [71]",
			},
			Limit: "4", Label: "default",
		}
		for _, m := range mods {
			m(&w)
		}

		return w
	}

	models := func(xr *v1alpha1.ComfyUIStudio) {
		xr.Spec.Models.Files = []v1alpha1.ModelFile{{Path: "loras/a", Size: 70e9}, {Path: "loras/b", Size: 30e9}}
	}

	cases := map[string]struct {
		reason string
		pool   v1alpha1.Pool
		mods   []func(*v1alpha1.ComfyUIStudio)
		want   want
	}{
		"Default": {reason: "The default pool buys on demand.", pool: pool("default"), want: base()},
		"Spot": {
			reason: "A spot pool has no on-demand instance.",
			pool:   pool("default", func(p *v1alpha1.Pool) { p.Purchase = v1alpha1.PurchaseSpot }),
			want:   base(func(w *want) { w.Requirements["karpenter.sh/capacity-type"] = "In [spot]" }),
		},
		"SpotThenOnDemand": {
			reason: "With both, Karpenter asks for spot capacity first.",
			pool:   pool("default", func(p *v1alpha1.Pool) { p.Purchase = v1alpha1.PurchaseSpotThenOnDemand }),
			want:   base(func(w *want) { w.Requirements["karpenter.sh/capacity-type"] = "In [spot on-demand]" }),
		},
		"Types": {
			reason: "Other types are other nodes.",
			pool:   pool("default", func(p *v1alpha1.Pool) { p.InstanceTypes = []string{"g6e.4xlarge"} }),
			want:   base(func(w *want) { w.Requirements["node.kubernetes.io/instance-type"] = "In [g6e.4xlarge]" }),
		},
		"MaxGPUs": {
			reason: "The bill's ceiling is Karpenter's limit.",
			pool:   pool("default", func(p *v1alpha1.Pool) { p.MaxGPUs = 9 }),
			want:   base(func(w *want) { w.Limit = "9" }),
		},
		"Models": {
			reason: "Declared models need an instance store that holds them.",
			pool:   pool("default"), mods: []func(*v1alpha1.ComfyUIStudio){models},
			want: base(func(w *want) { w.Requirements["karpenter.k8s.aws/instance-local-nvme"] = "Gt [189]" }),
		},
		"Name": {
			reason: "Servers find the pool's nodes by its name.",
			pool:   pool("video"),
			want:   base(func(w *want) { w.Label = "video" }),
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p := newPlan(t, []v1alpha1.Pool{tc.pool}, tc.mods...)
			m := manifestOf(t, compose(t, p, known(), up(t, p, known())), plan.NodePool(tc.pool.Name))

			got := want{Requirements: map[string]string{}}
			got.Limit, _, _ = unstructured.NestedString(m, "spec", "limits", "nvidia.com/gpu")
			got.Label, _, _ = unstructured.NestedString(m, "spec", "template", "metadata", "labels", plan.LabelPool)

			list, _, _ := unstructured.NestedSlice(m, "spec", "template", "spec", "requirements")
			for _, e := range list {
				r := e.(map[string]any)
				got.Requirements[fmt.Sprint(r["key"])] = fmt.Sprint(r["operator"], " ", r["values"])
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nNodePool: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestNodePoolKeeps pins what keeps work from being lost and the end of a studio
// from taking for ever.
func TestNodePoolKeeps(t *testing.T) {
	p := newPlan(t, []v1alpha1.Pool{pool("default")})
	m := manifestOf(t, compose(t, p, known(), up(t, p, known())), plan.NodePool("default"))

	template, _, _ := unstructured.NestedMap(m, "spec", "template", "spec")
	delete(template, "requirements")

	got := map[string]any{"metadata": m["metadata"], "template": template}
	got["disruption"], _, _ = unstructured.NestedMap(m, "spec", "disruption")

	want := map[string]any{
		"metadata": map[string]any{"name": "default", "finalizers": []any{"foregroundDeletion"}},
		"template": map[string]any{
			"nodeClassRef":           map[string]any{"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"},
			"taints":                 []any{map[string]any{"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"}},
			"expireAfter":            "Never",
			"terminationGracePeriod": "15m",
		},
		"disruption": map[string]any{
			"consolidationPolicy": "WhenEmpty", "consolidateAfter": "10m",
			"budgets": []any{
				map[string]any{"nodes": "0", "reasons": []any{"Drifted"}, "schedule": "0 21 * * *", "duration": "16h"},
				map[string]any{"nodes": "1", "reasons": []any{"Drifted"}},
			},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("NodePool: -want, +got:\n%s", diff)
	}
}

// TestNodeClass pins how nodes are launched, the user data aside.
func TestNodeClass(t *testing.T) {
	p := newPlan(t, []v1alpha1.Pool{pool("default")}, func(xr *v1alpha1.ComfyUIStudio) {
		xr.Spec.Tags = map[string]v1alpha1.TagValue{"team": "art"}
	})
	r := compose(t, p, known(), up(t, p, known()))
	spec, _, _ := unstructured.NestedMap(manifestOf(t, r, plan.NodeClass("default")), "spec")
	delete(spec, "userData")

	want := map[string]any{
		"amiSelectorTerms":           []any{map[string]any{"alias": plan.NodeImage}},
		"instanceProfile":            "tokyo-128572-gpu-node",
		"subnetSelectorTerms":        []any{map[string]any{"id": "subnet-0a"}, map[string]any{"id": "subnet-0b"}},
		"securityGroupSelectorTerms": []any{map[string]any{"id": "sg-0c"}},
		"instanceStorePolicy":        "RAID0",
		"blockDeviceMappings": []any{map[string]any{
			"deviceName": "/dev/xvda",
			"ebs":        map[string]any{"volumeSize": "30Gi", "volumeType": "gp3", "encrypted": true, "deleteOnTermination": true},
		}},
		"metadataOptions": map[string]any{"httpEndpoint": "enabled", "httpProtocolIPv6": "disabled", "httpPutResponseHopLimit": 1.0, "httpTokens": "required"},
		"tags":            map[string]any{"Name": "tokyo-128572-gpu-default", "comfyui-studio": "art/tokyo", "comfyui-studio-part": "capacity", "team": "art"},
	}
	if diff := cmp.Diff(want, spec); diff != "" {
		t.Errorf("EC2NodeClass: -want, +got:\n%s", diff)
	}

	// Both hold EC2 instances, so both are taken out of the cluster.
	for _, k := range []kit.Key{plan.NodeClass("default"), plan.NodePool("default")} {
		if policies, found, _ := unstructured.NestedSlice(r.Resources[k].Object, "spec", "managementPolicies"); found {
			t.Errorf("%s: want no managementPolicies, got %v", k, policies)
		}
	}
}

// TestPoolDropped lets one of two pools go. Its servers leave first, its nodes
// then, their class last, and nothing of the other pool changes.
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

// TestDeletionOrder lists the pairs that hold when the claim is deleted, on
// which day no function runs.
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
			d.Add(k, role("stands for what other parts make", "{}"))
		}
	}

	r, err := d.Result()
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
