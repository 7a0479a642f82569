package facts_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plantest"
)

// TestRefused reads Karpenter's own words out of what provider-kubernetes shows.
func TestRefused(t *testing.T) {
	class, nodes := plan.NodeClass("default"), plan.NodePool("default")

	said := func(conditions ...any) kittest.State {
		return kittest.ReadyAt(map[string]any{"manifest": map[string]any{"status": map[string]any{"conditions": conditions}}})
	}
	condition := func(typ, status, reason, message string) any {
		return map[string]any{"type": typ, "status": status, "reason": reason, "message": message}
	}

	cases := map[string]struct {
		reason   string
		observed map[kit.Key]kittest.State
		want     map[kit.Key]string
	}{
		"Nothing": {reason: "What is not there says nothing."},
		"NoStatus": {
			reason:   "What was just made says nothing either.",
			observed: map[kit.Key]kittest.State{class: kittest.ReadyAt(map[string]any{"manifest": map[string]any{"kind": "EC2NodeClass"}}), nodes: {}},
		},
		"Ready": {
			reason:   "What is well needs no words.",
			observed: map[kit.Key]kittest.State{class: said(condition("Ready", "True", "Ready", ""))},
		},
		"Cause": {
			reason: "The cause is told, not the sum, nor what only waits for it.",
			observed: map[kit.Key]kittest.State{class: said(
				condition("Ready", "False", "UnhealthyDependents", "ValidationSucceeded=False"),
				condition("ValidationSucceeded", "False", "DependenciesNotReady", "Awaiting AMI, Instance Profile, Security Group, and Subnet resolution"),
				condition("AMIsReady", "Unknown", "AwaitingReconciliation", "object is awaiting reconciliation"),
				condition("SubnetsReady", "False", "SubnetsNotFound", "SubnetSelector did not match any Subnets"),
			)},
			want: map[kit.Key]string{class: "SubnetsNotFound: SubnetSelector did not match any Subnets"},
		},
		"SumAlone": {
			reason:   "Where there is nothing but the sum it must do.",
			observed: map[kit.Key]kittest.State{nodes: said(condition("Ready", "False", "NodeClassNotFound", "NodeClass not found on cluster"))},
			want:     map[kit.Key]string{nodes: "NodeClassNotFound: NodeClass not found on cluster"},
		},
		"OtherPool": {
			reason:   "What the spec has dropped is on its way out, and says nothing about the studio.",
			observed: map[kit.Key]kittest.State{plan.NodePool("video"): said(condition("Ready", "False", "NodeClassNotFound", "NodeClass not found on cluster"))},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p := plantest.New(t, func(s *v1alpha1.ComfyUIStudioSpec) {
				s.Pools = []v1alpha1.Pool{{
					Name: "default", InstanceTypes: []string{"g6.2xlarge"}, Purchase: v1alpha1.PurchaseOnDemand, MaxGPUs: 1,
					Servers: v1alpha1.Servers{Min: new(int32(1)), Max: 1},
				}}
			})

			f, err := facts.From(p, kittest.Observe(p.Name, tc.observed), v1alpha1.ComfyUIStudioStatus{})
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(tc.want, f.Capacity.Refused, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s\nRefused: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
