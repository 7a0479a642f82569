package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
)

// pooled adds a pool as the API server fills one in, changed by mods.
func pooled(mods ...func(*v1alpha1.Pool)) func(*v1alpha1.ComfyUIStudio) {
	p := v1alpha1.Pool{
		Name: "default", InstanceTypes: []string{"g6.2xlarge", "g5.2xlarge"}, Purchase: v1alpha1.PurchaseOnDemand, MaxGPUs: 4,
		Servers: v1alpha1.Servers{Min: new(int32(1)), Max: 1},
	}
	for _, m := range mods {
		m(&p)
	}

	return func(xr *v1alpha1.ComfyUIStudio) { xr.Spec.Pools = append(xr.Spec.Pools, p) }
}

func ofTypes(names ...string) func(*v1alpha1.Pool) {
	return func(p *v1alpha1.Pool) { p.InstanceTypes = names }
}

func withMaxGPUs(n int32) func(*v1alpha1.Pool) { return func(p *v1alpha1.Pool) { p.MaxGPUs = n } }

func withMinServers(n int32) func(*v1alpha1.Pool) {
	return func(p *v1alpha1.Pool) { p.Servers.Min = &n }
}

// declaring adds models of the given sizes in gigabytes.
func declaring(gigabytes ...int64) func(*v1alpha1.ComfyUIStudio) {
	return func(xr *v1alpha1.ComfyUIStudio) {
		for _, n := range gigabytes {
			xr.Spec.Models.Files = append(xr.Spec.Models.Files, v1alpha1.ModelFile{Path: "loras/x", URL: "https://example.com/x", Size: n * gigabyte})
		}
	}
}

func TestPoolsRefused(t *testing.T) {
	_, unknown := LookupInstanceType("g9.xlarge")
	_, excluded := LookupInstanceType("g4ad.xlarge")

	cases := map[string]struct {
		reason string
		mods   []func(*v1alpha1.ComfyUIStudio)
		want   string
	}{
		"Fits": {
			reason: "What fits is accepted: 250 GB hold 152 GB of models, two images and scratch space, which need 249.",
			mods:   []func(*v1alpha1.ComfyUIStudio){pooled(ofTypes("g6.xlarge")), declaring(100, 51)},
		},
		"UnknownType": {
			reason: "A type that the catalogue does not know is refused by its place.",
			mods:   []func(*v1alpha1.ComfyUIStudio){pooled(), pooled(ofTypes("g6.xlarge", "g9.xlarge"))},
			want:   "spec.pools[1].instanceTypes[1]: " + unknown.Error(),
		},
		"ExcludedType": {
			reason: "One without what a server needs too.",
			mods:   []func(*v1alpha1.ComfyUIStudio){pooled(ofTypes("g4ad.xlarge"))},
			want:   "spec.pools[0].instanceTypes[0]: " + excluded.Error(),
		},
		"MoreGPUsThanAllowed": {
			reason: "Karpenter never makes a node that would go beyond the limit, so the type would have no effect.",
			mods:   []func(*v1alpha1.ComfyUIStudio){pooled(ofTypes("g6.12xlarge"), withMaxGPUs(3))},
			want:   "spec.pools[0].instanceTypes[0]: g6.12xlarge has 4 GPUs, more than the pool's maxGPUs, 3; raise maxGPUs, or choose a smaller type",
		},
		"ModelsDoNotFit": {
			reason: "The smallest instance store of any pool must hold all models: every node has them.",
			mods:   []func(*v1alpha1.ComfyUIStudio){pooled(ofTypes("g6e.4xlarge")), pooled(ofTypes("g6.4xlarge", "g6.xlarge")), declaring(100, 60)},
			want: "spec.models.files: the 2 models need an instance store of more than 259 GB, images and scratch space included, and g6.xlarge in spec.pools[1].instanceTypes has 250 GB; " +
				"declare fewer models, or use types with larger instance stores",
		},
		"Undefaulted": {
			reason: "A pool that no API server has filled in is no half of a pool.",
			mods:   []func(*v1alpha1.ComfyUIStudio){func(xr *v1alpha1.ComfyUIStudio) { xr.Spec.Pools = []v1alpha1.Pool{{Name: "default"}} }},
			want: "spec.pools[0].instanceTypes: is empty; the API server fills it in, and so does crossplane render --xrd\n" +
				"spec.pools[0].maxGPUs: is empty; the API server fills it in, and so does crossplane render --xrd\n" +
				"spec.pools[0].purchase: is empty; the API server fills it in, and so does crossplane render --xrd\n" +
				"spec.pools[0].servers: is empty; the API server fills it in, and so does crossplane render --xrd",
		},
		"KarpentersTags": {
			reason: "A tag that Karpenter sets itself would be refused on every node class.",
			mods: []func(*v1alpha1.ComfyUIStudio){func(xr *v1alpha1.ComfyUIStudio) {
				xr.Spec.Tags = map[string]v1alpha1.TagValue{"kubernetes.io/cluster/x": "owned", "karpenter.sh/nodepool": "mine", "team": "art"}
			}},
			want: "spec.tags: karpenter.sh/nodepool is a tag that Karpenter keeps for itself on every node; choose another key\n" +
				"spec.tags: kubernetes.io/cluster/x is a tag that Karpenter keeps for itself on every node; choose another key",
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			// More than once, because some of it is kept in maps.
			for range 5 {
				_, err := New(claim(tc.mods...))

				got := ""
				if err != nil {
					got = err.Error()
				}

				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("%s\nNew(...): -want, +got:\n%s", tc.reason, diff)
				}
			}
		})
	}
}

func TestInstanceStoreGB(t *testing.T) {
	cases := map[string]struct {
		reason string
		models []int64
		want   int64
	}{
		"NoModels": {reason: "60 GB for two images and scratch space, at 85 % full.", want: 71},
		"Models":   {reason: "Models come on top: 160 GB are 85 % of 188.2.", models: []int64{70, 30}, want: 189},
		"Exactly":  {reason: "What fits to the last byte needs no more: 85 GB are 85 % of 100.", models: []int64{25}, want: 100},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p := newPlan(t, declaring(tc.models...))
			if got := p.InstanceStoreGB(); got != tc.want {
				t.Errorf("%s\nInstanceStoreGB(): want %d, got %d", tc.reason, tc.want, got)
			}
		})
	}
}

// TestWorkday holds that every region's people are asleep when nodes may be
// replaced, whatever the season.
func TestWorkday(t *testing.T) {
	for _, r := range regions(t) {
		if _, ok := utcOffsets[r.Name]; !ok {
			t.Errorf("%s: nobody knows what time it is there", r.Name)
		}
	}

	for region, want := range map[string]string{
		"ap-northeast-1": "0 21 * * *", // 06:00 in Tokyo
		"us-west-2":      "0 14 * * *", // 06:00 in Oregon in winter
		"eu-west-3":      "0 5 * * *",  // 06:00 in Paris in winter
	} {
		schedule, duration := newPlan(t, inRegion(region)).Workday()
		if schedule != want || duration != "16h" {
			t.Errorf("Workday() in %s: want %q for 16h, got %q for %s", region, want, schedule, duration)
		}
	}
}
