package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
)

// Helm's rule for names of releases: pkg/chart/common/util of Helm, ValidateReleaseName.
const releaseRule = `^[a-z0-9]([-a-z0-9]{0,51}[a-z0-9])?$`

// capacityNameRules are AWS's rules for the names that part capacity decides.
func capacityNameRules() map[kit.Key]string {
	rules := map[kit.Key]string{
		KarpenterRole: roleRule,
		GPUNodeRole:   roleRule,
		// iam:CreateInstanceProfile allows 128; ours is as long as a role's.
		GPUNodeProfile: roleRule,
		Karpenter:      releaseRule,
		DevicePlugin:   releaseRule,
	}

	for _, i := range Interruptions() {
		// events:PutRule, its API reference.
		rules[InterruptionRule(i)] = `^[.\-_A-Za-z0-9]{1,64}$`
	}

	return rules
}

func TestCapacityNames(t *testing.T) {
	arns := func(p Plan) map[string]string {
		return map[string]string{
			"profile": p.InstanceProfileARN(), "role": p.GPUNodeRoleARN(), "cluster": p.ClusterARN(),
			"queue": p.InterruptionQueueARN(), "rule": p.InterruptionRuleARN(InterruptionSpot),
		}
	}

	for what, arn := range arns(newPlan(t)) {
		if arn != "" {
			t.Errorf("There is no ARN before the account is known.\n%s: got %q", what, arn)
		}
	}

	want := map[string]string{
		"profile": "arn:aws:iam::123456789012:instance-profile/tokyo-128572-gpu-node",
		"role":    "arn:aws:iam::123456789012:role/tokyo-128572-gpu-node",
		"cluster": "arn:aws:eks:ap-northeast-1:123456789012:cluster/tokyo-128572-cluster",
		"queue":   "arn:aws:sqs:ap-northeast-1:123456789012:tokyo-128572-interruptions",
		"rule":    "arn:aws:events:ap-northeast-1:123456789012:rule/tokyo-128572-interruption-spot",
	}
	if diff := cmp.Diff(want, arns(newPlan(t).InAccount("123456789012"))); diff != "" {
		t.Errorf("ARNs: -want, +got:\n%s", diff)
	}
}
