package plan

import (
	"regexp"
	"strings"
	"testing"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
)

// imageNameRules are AWS's rules for the names that part image decides:
// ecr:CreateRepository, codebuild:CreateProject, events:PutRule: their API
// references. A marker is named by bucket and object.
func imageNameRules() map[kit.Key]string {
	const repositoryRule = `^[a-z0-9]+([._-][a-z0-9]+)*$`

	out := map[kit.Key]string{
		ArtefactKey(BucketItself): bucketRule,
		Repository:                repositoryRule,
		AgentRepository:           repositoryRule,
		TriggerRole:               roleRule,
	}
	for _, b := range Builds() {
		out[BuildProject(b)] = `^[A-Za-z0-9][A-Za-z0-9\-_]{1,149}$`
		out[BuildRole(b)] = roleRule
		out[BuildLogs(b)] = logGroupRule
		out[BuildRule(b)] = `^[.\-_A-Za-z0-9]{1,64}$`
		out[kit.Key(BuildMarkers(b))] = `^comfyui-artefacts-[a-z0-9-]+/markers/` + string(b) + `/[0-9a-f]{8}$`
	}

	return out
}

// TestSpecNames holds the names that are no external names
// (scheduler:CreateSchedule, secretsmanager:CreateSecret).
func TestSpecNames(t *testing.T) {
	schedule, secret := regexp.MustCompile(`^[0-9a-zA-Z\-_.]{1,64}$`), regexp.MustCompile(`^[A-Za-z0-9/_+=.@-]{1,512}$`)

	for _, studio := range []string{"tokyo", longest, strings.Repeat("a", 63)} {
		p := newPlan(t, called("art", studio), func(xr *v1alpha1.ComfyUIStudio) {
			xr.Spec.Models.Files = []v1alpha1.ModelFile{{Path: "loras/a", TokenSecretRef: &v1alpha1.SecretKeyRef{Name: "hub", Key: "token"}}}
		})

		taken := map[string]bool{}

		for _, b := range Builds() {
			for _, hash := range []string{"0a1b2c3d", "0a1b2c3e"} {
				name := p.ScheduleName(b, hash)
				if !schedule.MatchString(name) {
					t.Errorf("The scheduler refuses the name %q", name)
				}

				if taken[name] {
					t.Errorf("Two schedules are called %q", name)
				}

				taken[name] = true
			}
		}

		for _, token := range p.ModelTokens() {
			if !secret.MatchString(token.Name) {
				t.Errorf("Secrets Manager refuses the name %q", token.Name)
			}
		}
	}
}
