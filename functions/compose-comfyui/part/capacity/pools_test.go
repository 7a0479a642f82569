package capacity

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

func TestOtherRelease(t *testing.T) {
	p := newPlan(t, []v1alpha1.Pool{pool("default")}).WithRelease(plan.Release{NodeDaemonSHA256: strings.Repeat("c3", 32)})

	data, _, _ := unstructured.NestedString(manifestOf(t, compose(t, p, known(), up(t, p, known())), plan.NodeClass("default")), "spec", "userData")
	if !strings.Contains(data, mirrored.NodeDaemonSHA256) || strings.Contains(data, p.Release.NodeDaemonSHA256) {
		t.Errorf("user data names another daemon than the one that is there:\n%s", data)
	}
}

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

	models := func(s *v1alpha1.ComfyUIStudioSpec) {
		s.Models.Files = []v1alpha1.ModelFile{{Path: "loras/a", Size: 70e9}, {Path: "loras/b", Size: 30e9}}
	}

	cases := map[string]struct {
		reason string
		pool   v1alpha1.Pool
		mods   []func(*v1alpha1.ComfyUIStudioSpec)
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
			pool:   pool("default"), mods: []func(*v1alpha1.ComfyUIStudioSpec){models},
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

func TestNodeClass(t *testing.T) {
	p := newPlan(t, []v1alpha1.Pool{pool("default")}, func(s *v1alpha1.ComfyUIStudioSpec) {
		s.Tags = map[string]v1alpha1.TagValue{"team": "art"}
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
