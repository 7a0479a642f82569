package whole

import (
	"path"
	"strings"
	"testing"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// lacksCapacity: what keeps AWS from giving nodes reaches the claim in words that
// say what to do, goes when it is over, and takes nothing from a studio that was
// Ready once.
func lacksCapacity(p production) {
	cases := []struct {
		name, reason string
		fault        string
		pool         string
		servers      int
		words        []string
	}{
		{
			name: "Quota", reason: "A quota is raised by asking for it.",
			fault: "gpu-quota", pool: "people", servers: 3,
			words: []string{"NoCapacity", "pool people", "ask Service Quotas in ap-northeast-1", "spec.pools[0].maxGPUs"},
		},
		{
			name: "Capacity", reason: "Other types may be free.",
			fault: "gpu-no-capacity", pool: "people", servers: 4,
			words: []string{"NoCapacity", "pool people", "spec.pools[0].instanceTypes", "g6.4xlarge"},
		},
		{
			name: "Spot", reason: "On-demand instances may be free.",
			fault: "spot-no-capacity", pool: "batch", servers: 1,
			words: []string{"NoCapacity", "pool batch", "spec.pools[1].purchase", "SpotThenOnDemand"},
		},
	}

	for _, tc := range cases {
		if !p.t.Run(tc.name, func(t *testing.T) {
			p := p.in(t)

			f, err := cloud.ParseFault(tc.fault)
			if err != nil {
				t.Fatal(err)
			}

			f.Namespace = p.cluster.name
			p.trouble(f, "CapacityReady", tc.pool, tc.servers, tc.words...)
		}) {
			p.t.Fatal(tc.reason)
		}
	}
}

// trouble plants a fault, lets a pool want a server more, hears what the claim
// says, and ends the fault.
func (p production) trouble(f cloud.Fault, condition, pool string, servers int, words ...string) {
	p.t.Helper()

	before := p.uids()

	// Another server needs another node only when every node has one.
	p.cluster.awaitNodes(pool, servers-1)
	p.t.Cleanup(shared.Cloud().ClearFaults)

	if err := shared.Cloud().SetFaults(f); err != nil {
		p.t.Fatal(err)
	}

	p.cluster.queue(pool, servers)
	p.says(condition, "False", words...)
	p.isReady()
	shared.Cloud().ClearFaults()
	p.cluster.awaitServers(pool, servers)
	p.says(condition, "True")
	p.awaitReady()
	p.same(before)
}

// lacksImage: so does an image that cannot be pulled.
func lacksImage(p production) {
	image := p.cluster.servers("batch").Spec.Template.Spec.Containers[0].Image
	name, _, _ := strings.Cut(path.Base(image), "@")
	p.trouble(cloud.Fault{
		Kind: "Image", Namespace: p.cluster.name, Name: name + "*", Operation: cloud.OpCreate, Mode: cloud.Fail, Message: "429 Too Many Requests",
	}, "WorkloadReady", "batch", 2, "pool batch", "the image cannot be pulled", "ImageReady")
}
