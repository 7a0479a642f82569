package capacity

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plantest"
)

func policyOf(t *testing.T, p plan.Plan, k kit.Key) string {
	t.Helper()

	r := compose(t, p, known(), up(t, p, known()))

	doc, _, _ := unstructured.NestedString(r.Resources[k].Object, "spec", "forProvider", "policy")
	if doc == "" {
		t.Fatalf("%s holds no policy", k)
	}

	return doc
}

// TestKarpenterMay holds that whatever Karpenter may change is the studio's: a
// resource by its name, or anything that carries the cluster's tags.
func TestKarpenterMay(t *testing.T) {
	p := newPlan(t, []v1alpha1.Pool{pool("default")})
	anything := []string{"arn:aws:ec2:ap-northeast-1::image/*", "arn:aws:ec2:ap-northeast-1::snapshot/*", "arn:aws:ssm:ap-northeast-1::parameter/aws/service/*"}

	for _, s := range statements(t, policyOf(t, p, plan.KarpenterPolicy)) {
		reads := !slices.ContainsFunc(s.Action, func(a string) bool {
			_, verb, _ := strings.Cut(a, ":")
			return !strings.HasPrefix(verb, "Describe") && !strings.HasPrefix(verb, "Get") && !strings.HasPrefix(verb, "List")
		})

		tagged := false

		for operator, keys := range s.Condition {
			for key, values := range keys {
				tagged = tagged || operator == "StringEquals" && strings.HasSuffix(key, "Tag/kubernetes.io/cluster/"+p.ClusterName()) && slices.Equal(values, []string{"owned"})
			}
		}

		for _, r := range s.Resource {
			wild := strings.HasSuffix(r, "*") && !slices.Contains(anything, r)
			if wild && !tagged && !reads {
				t.Errorf("%s: allows %v on %s", s.Sid, s.Action, r)
			}

			if !wild && !slices.Contains(anything, r) && !strings.Contains(r, ":"+account+":") {
				t.Errorf("%s: %s is in nobody's account", s.Sid, r)
			}
		}

		// A pool's tag comes with every cluster's tag: one without it is not a node.
		if tagged && len(s.Condition["StringLike"]) != 1 {
			t.Errorf("%s: allows %v on what is no node: %v", s.Sid, s.Action, s.Condition)
		}
	}
}

// TestPlaces holds nodes to the studio's subnets and security group.
func TestPlaces(t *testing.T) {
	p := newPlan(t, []v1alpha1.Pool{pool("default")})
	all := statements(t, policyOf(t, p, plan.KarpenterPolicy))

	i := slices.IndexFunc(all, func(s statement) bool { return s.Sid == "LaunchFromAndInto" })
	want := []string{
		"arn:aws:ec2:ap-northeast-1::image/*", "arn:aws:ec2:ap-northeast-1::snapshot/*",
		"arn:aws:ec2:ap-northeast-1:123456789012:security-group/sg-0c",
		"arn:aws:ec2:ap-northeast-1:123456789012:subnet/subnet-0a", "arn:aws:ec2:ap-northeast-1:123456789012:subnet/subnet-0b",
	}

	if diff := cmp.Diff(want, all[i].Resource); diff != "" {
		t.Errorf("resources: -want, +got:\n%s", diff)
	}
}

// TestPolicySize holds Karpenter's policy, of the studio with the longest name
// and the most zones, within what IAM takes for all inline policies of a role.
func TestPolicySize(t *testing.T) {
	const limit = 10240 // "IAM and AWS STS quotas", without white space

	p := plantest.Named(t, strings.Repeat("a", 63), func(s *v1alpha1.ComfyUIStudioSpec) {
		s.Pools = []v1alpha1.Pool{pool("default")}
	}).InAccount(account)
	f := known()

	for range 6 {
		f.PrivateSubnetIDs = append(f.PrivateSubnetIDs, "subnet-0123456789abcdef0")
	}

	r := compose(t, p, f, up(t, p, f))

	doc, _, _ := unstructured.NestedString(r.Resources[plan.KarpenterPolicy].Object, "spec", "forProvider", "policy")
	if n := len(doc); n == 0 || n > limit {
		t.Errorf("the policy has %d characters, IAM takes %d", n, limit)
	}
}

// TestNodesMay holds GPU nodes to reading models and our daemon, and to telling
// how that goes.
func TestNodesMay(t *testing.T) {
	p := newPlan(t, []v1alpha1.Pool{pool("default")})
	models := "arn:aws:s3:::comfyui-models-123456789012-ap-northeast-1-128572"

	want := []statement{
		{Sid: "ListModels", Action: []string{"s3:ListBucket"}, Resource: []string{models}},
		{
			Sid: "ReadModelsAndDaemon", Action: []string{"s3:GetObject"},
			Resource: []string{models + "/*", "arn:aws:s3:::" + p.ArtefactBucket() + "/artefacts/*", "arn:aws:s3:::" + p.ArtefactBucket() + "/order/models.json"},
		},
		{Sid: "TellStatus", Action: []string{"s3:PutObject"}, Resource: []string{"arn:aws:s3:::" + p.ArtefactBucket() + "/nodes/*"}},
	}
	if diff := cmp.Diff(want, statements(t, policyOf(t, p, plan.GPUNodeRoleModels))); diff != "" {
		t.Errorf("policy: -want, +got:\n%s", diff)
	}
}

// TestQueuePolicy holds that the studio's rules alone write to the queue, and
// that they come from this account.
func TestQueuePolicy(t *testing.T) {
	p := newPlan(t, []v1alpha1.Pool{pool("default")})
	queue := []string{"arn:aws:sqs:ap-northeast-1:123456789012:tokyo-128572-interruptions"}

	var rules []string
	for _, i := range plan.Interruptions() {
		rules = append(rules, "arn:aws:events:ap-northeast-1:123456789012:rule/tokyo-128572-interruption-"+string(i))
	}

	want := []statement{
		{Sid: "Events", Action: []string{"sqs:SendMessage"}, Resource: queue, Condition: map[string]map[string][]string{"ArnEquals": {"aws:SourceArn": rules}}},
		{Sid: "Queue", Action: []string{"sqs:SendMessage"}, Resource: queue, Condition: map[string]map[string][]string{"StringEquals": {"aws:SourceAccount": {account}}}},
		{Sid: "TLSOnly", Action: []string{"sqs:*"}, Resource: queue, Condition: map[string]map[string][]string{"Bool": {"aws:SecureTransport": {"false"}}}},
	}
	if diff := cmp.Diff(want, statements(t, policyOf(t, p, plan.InterruptionQueuePolicy))); diff != "" {
		t.Errorf("policy: -want, +got:\n%s", diff)
	}

	r := compose(t, p, known(), up(t, p, known()))
	for _, i := range plan.Interruptions() {
		rule, target := r.Resources[plan.InterruptionRule(i)], r.Resources[plan.InterruptionTarget(i)]

		pattern, _, _ := unstructured.NestedString(rule.Object, "spec", "forProvider", "eventPattern")
		arn, _, _ := unstructured.NestedString(target.Object, "spec", "forProvider", "arn")

		if pattern == "" || arn != queue[0] {
			t.Errorf("%s: pattern %q goes to %q", i, pattern, arn)
		}
	}
}
