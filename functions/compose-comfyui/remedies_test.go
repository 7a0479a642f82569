package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// TestAdvice holds that what does not go away by waiting says what to do. The
// troubles are the provider's and AWS's own words.
func TestAdvice(t *testing.T) {
	cases := map[string]struct {
		reason  string
		key     kit.Key
		trouble string
		want    string
	}{
		"VPCOrigin": {
			reason:  "The origin is there under an id that the provider does not know; its external name is a stub.",
			key:     plan.VPCOrigin("a"),
			trouble: "create failed: async create failed: failed to create the resource: [{0 creating VPCOrigin: EntityAlreadyExists: The VPC origin with the name edge already exists  []}]",
			want:    "; it is there, and the provider has lost its id; see docs/runbooks/edge.md",
		},
		"LoadBalancer": {
			reason:  "So is the load balancer.",
			key:     plan.LoadBalancer,
			trouble: "create failed: async create failed: failed to create the resource: [{0 ELBv2 Load Balancer (edge) already exists  []}]",
			want:    "; it is there, and the provider has lost its id; see docs/runbooks/edge.md",
		},
		"NAT": {
			reason:  "A second NAT gateway cannot have the first one's address.",
			key:     plan.NAT,
			trouble: "create failed: async create failed: failed to create the resource: [{0 creating NATGateway: Resource.AlreadyAssociated: resource eipalloc-1 is already associated with NAT gateway nat-1  []}]",
			want:    "; it is there, and the provider has lost its id; see docs/runbooks/provider-restart.md",
		},
		"Subnet": {
			reason:  "Nor a second subnet the first one's range.",
			key:     plan.PrivateSubnet("apne1-az1"),
			trouble: "create failed: InvalidSubnet.Conflict: The CIDR '10.42.0.0/19' conflicts with another subnet",
			want:    "; it is there, and the provider has lost its id; see docs/runbooks/provider-restart.md",
		},
		"Record": {
			reason:  "A record that somebody else made is not the studio's to take.",
			key:     plan.RecordIPv4("studio.example.com", "Z1"),
			trouble: "create failed: InvalidChangeBatch: [Tried to create resource record set [name='studio.example.com.', type='A'] but it already exists]",
			want:    "; the name has a record that is not the studio's; delete it, or give spec.access.domain another name",
		},
		"Name": {
			reason:  "Nor is a name that another distribution serves.",
			key:     plan.Distribution,
			trouble: "create failed: CNAMEAlreadyExists: One or more of the CNAMEs you provided are already associated with a different resource",
			want:    "; another distribution serves the name; see docs/runbooks/edge.md",
		},
		"Release": {
			reason:  "Helm keeps the record of an install that was cut off, and does nothing while it is there.",
			key:     plan.Karpenter,
			trouble: "update failed: failed to upgrade release: another operation (install/upgrade/rollback) is in progress",
			want:    "; an install was cut off and Helm waits for its end; see docs/runbooks/capacity.md",
		},
		"Throttled": {reason: "What goes away by itself needs nobody.", key: plan.LoadBalancer, trouble: "create failed: Throttling: Rate exceeded"},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, advice(tc.key, tc.trouble)); diff != "" {
				t.Errorf("%s\nadvice(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestRunbooks holds that every page that people are sent to is there.
func TestRunbooks(t *testing.T) {
	page := regexp.MustCompile(`docs/runbooks/[a-z-]+\.md`)

	for _, r := range remedies() {
		for _, p := range page.FindAllString(r.do, -1) {
			if _, err := os.Stat(filepath.Join("../..", p)); err != nil {
				t.Errorf("%s: %v", strings.TrimSuffix(r.keys, "-"), err)
			}
		}
	}
}
