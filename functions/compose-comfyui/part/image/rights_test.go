package image

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// TestRights lists what each build may write to. It may read its contexts, and
// nothing of another build's.
func TestRights(t *testing.T) {
	p := newPlan(t, files(gated("a"), v1alpha1.ModelFile{Path: "loras/b", URL: "s3://team/x", Size: 1}))
	r := compose(t, p, builds(facts.Built), up(t, p))

	const (
		artefacts = "arn:aws:s3:::comfyui-artefacts-123456789012-ap-northeast-1-128572/"
		registry  = "arn:aws:ecr:ap-northeast-1:123456789012:repository/tokyo-128572-"
		bucket    = "arn:aws:s3:::comfyui-models-123456789012-ap-northeast-1-128572"
	)

	cases := map[plan.Build]map[string][]string{
		plan.BuildComfyUI: {
			"s3:PutObject": {artefacts + "markers/comfyui/*"}, "s3:GetObject": {artefacts + "contexts/comfyui/*", artefacts + "markers/comfyui/*"},
			"ecr:PutImage": {registry + "comfyui"}, "secretsmanager:GetSecretValue": nil,
			"logs:PutLogEvents": {"arn:aws:logs:ap-northeast-1:123456789012:log-group:/aws/codebuild/tokyo-128572-build-comfyui:*"},
		},
		plan.BuildAgent: {
			"s3:PutObject": {artefacts + "markers/agent/*", artefacts + "artefacts/*"}, "s3:GetObject": {artefacts + "contexts/agent/*", artefacts + "markers/agent/*"},
			"ecr:PutImage": {registry + "studio-agent"}, "secretsmanager:GetSecretValue": nil,
		},
		plan.BuildModels: {
			"s3:PutObject": {artefacts + "markers/models/*", bucket + "/*", artefacts + "fetches/*"},
			"s3:GetObject": {
				artefacts + "contexts/models/*", artefacts + "markers/models/*", bucket + "/*", artefacts + "artefacts/*", artefacts + "fetches/*", "arn:aws:s3:::team/*",
			},
			// It deletes what it noted for itself, and no model.
			"ecr:PutImage": nil, "s3:DeleteObject": {artefacts + "fetches/*"}, "s3:ListBucket": {bucket}, "s3:ListMultipartUploadParts": {bucket + "/*"},
			"secretsmanager:GetSecretValue": {"arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:" + p.ModelTokens()[0].Name + "-??????"},
		},
	}

	for b, actions := range cases {
		text, _ := field(t, r, plan.BuildPolicy(b), "forProvider", "policy").(string)
		for action, want := range actions {
			if diff := cmp.Diff(want, resourcesOf(t, text, action)); diff != "" {
				t.Errorf("%s: %s: -want, +got:\n%s", b, action, diff)
			}
		}
	}
}

// TestTrust holds that each role is taken on for this account's own resources.
func TestTrust(t *testing.T) {
	p := newPlan(t)
	r := compose(t, p, builds(facts.Built), up(t, p))

	for _, k := range []kit.Key{plan.TriggerRole, plan.BuildRole(plan.BuildComfyUI), plan.BuildRole(plan.BuildAgent)} {
		text, _ := field(t, r, k, "forProvider", "assumeRolePolicy").(string)

		doc := struct {
			Statement []struct {
				Condition map[string]map[string][]string `json:"Condition"`
			} `json:"Statement"`
		}{}
		if err := json.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}

		for _, s := range doc.Statement {
			if len(s.Condition["ArnLike"]["aws:SourceArn"]) == 0 || !slices.Equal(s.Condition["StringEquals"]["aws:SourceAccount"], []string{"123456789012"}) {
				t.Errorf("%s: anybody's resource may have the service take it on: %s", k, text)
			}
		}
	}
}

func resourcesOf(t *testing.T, text, action string) []string {
	t.Helper()

	doc := struct {
		Statement []struct {
			Action   []string `json:"Action"`
			Resource []string `json:"Resource"`
		} `json:"Statement"`
	}{}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}

	var out []string

	for _, s := range doc.Statement {
		if slices.Contains(s.Action, action) {
			out = append(out, s.Resource...)
		}
	}

	return out
}

// TestToken holds that the provider alone reads a token.
func TestToken(t *testing.T) {
	p := newPlan(t, files(gated("hub")))
	r := compose(t, p, builds(facts.Built), up(t, p))
	token := p.ModelTokens()[0]

	want := map[string]any{"name": "hub", "key": "token"}
	if diff := cmp.Diff(want, field(t, r, plan.TokenValue(token.Hash), "forProvider", "secretStringSecretRef")); diff != "" {
		t.Errorf("secretStringSecretRef: -want, +got:\n%s", diff)
	}

	if got := field(t, r, plan.Token(token.Hash), "forProvider", "recoveryWindowInDays"); got != 0.0 && got != int64(0) {
		t.Errorf("A name that stays taken keeps the studio from coming back: got %v", got)
	}
}
