package capacity

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

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
