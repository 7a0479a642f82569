package image

import (
	"encoding/json"
	"fmt"

	cloudwatchevents "github.com/upbound/provider-aws/v2/apis/namespaced/cloudwatchevents/v1beta1"
	scheduler "github.com/upbound/provider-aws/v2/apis/namespaced/scheduler/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/policy"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/role"
)

// every is how often a build is started. A first run comes at once; a later one
// ends at once where all is there, and is the second attempt where it is not.
const every = "rate(1 day)"

// trigger adds the role that starts builds, and nothing but the studio's.
func trigger(p plan.Plan, wanted []plan.Build, d *kit.Desired) {
	var projects, rules []string
	for _, b := range wanted {
		projects, rules = append(projects, p.ProjectARN(b)), append(rules, p.BuildRuleARN(b))
	}

	d.AddWhen(account(p), plan.TriggerRole, role.New("Starts the studio's builds", policy.Document(
		// The scheduler names the group of schedules, not the schedule.
		trust(p, "scheduler.amazonaws.com", p.ScheduleGroupARN()),
		trust(p, "events.amazonaws.com", rules...),
	)))

	d.AddWhen(account(p), plan.TriggerPolicy, role.Policy(d, plan.TriggerRole, policy.Document(allow("StartBuilds", []string{"codebuild:StartBuild"}, projects...))))
}

// starts adds what starts a build when a context appears in the artefact bucket.
func starts(p plan.Plan, b plan.Build, d *kit.Desired) {
	d.AddWhen(account(p), plan.BuildRule(b), &cloudwatchevents.Rule{Spec: cloudwatchevents.RuleSpec{ForProvider: cloudwatchevents.RuleParameters{
		Description: new("A context of build " + string(b) + " has appeared"),
		// Without it the provider cannot tell the rule's id and never makes it.
		EventBusName: new("default"),
		EventPattern: new(contextPattern(p, b)),
	}}})

	g := kit.All(account(p), kit.After(plan.BuildProject(b), plan.TriggerPolicy))
	d.AddWhen(g, plan.BuildTarget(b), &cloudwatchevents.Target{Spec: cloudwatchevents.TargetSpec{ForProvider: cloudwatchevents.TargetParameters{
		EventBusName: new("default"),
		RuleRef:      d.Ref(plan.BuildRule(b)),
		TargetID:     new("build"),
		Arn:          new(p.ProjectARN(b)),
		RoleArnRef:   d.Ref(plan.TriggerRole),
		InputTransformer: &cloudwatchevents.InputTransformerParameters{
			InputPaths: map[string]*string{"key": new("$.detail.object.key")},
			// EventBridge puts the quotes around the key.
			InputTemplate: new(`{"environmentVariablesOverride":[{"name":"KEY","type":"PLAINTEXT","value":<key>}]}`),
		},
	}}})

	// A rule that has targets is not deleted.
	d.Use(plan.BuildRule(b), plan.BuildTarget(b))
}

// schedule adds what starts the build of a hash, the first time at once. That the
// first run of a rate comes at once is how the scheduler is seen to behave; where
// it does not, the object's appearance starts the build, which S3 tells from some
// five minutes after its notifications are switched on.
func schedule(p plan.Plan, b plan.Build, hash string, d *kit.Desired) {
	g := kit.All(account(p), kit.After(plan.BuildProject(b), plan.TriggerPolicy, plan.BuildContext(b, hash)))
	d.AddWhen(g, plan.BuildSchedule(b, hash), &scheduler.Schedule{Spec: scheduler.ScheduleSpec{ForProvider: scheduler.ScheduleParameters{
		Name:               new(p.ScheduleName(b, hash)),
		GroupName:          new("default"),
		Description:        new("Builds " + string(b) + " " + hash),
		ScheduleExpression: new(every),
		FlexibleTimeWindow: &scheduler.FlexibleTimeWindowParameters{Mode: new("OFF")},
		Target: &scheduler.TargetParameters{
			Arn:        new(p.ProjectARN(b)),
			RoleArnRef: d.Ref(plan.TriggerRole),
			Input:      new(startInput(override{Name: "KEY", Type: plaintext, Value: plan.ContextObject(b, hash)})),
		},
	}}})
}

// override is a variable of StartBuild.
type override struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Value string `json:"value"`
}

// plaintext is the type of a variable that is no secret.
const plaintext = "PLAINTEXT"

func startInput(variables ...override) string {
	return compact(map[string]any{"environmentVariablesOverride": variables})
}

func contextPattern(p plan.Plan, b plan.Build) string {
	return compact(map[string]any{
		"source":      []string{"aws.s3"},
		"detail-type": []string{"Object Created"},
		"detail": map[string]any{
			"bucket": map[string]any{"name": []string{p.ArtefactBucket()}},
			"object": map[string]any{"key": []any{map[string]any{"prefix": plan.ContextPrefix + string(b) + "/"}}},
		},
	})
}

func compact(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		// Strings, lists and maps of them always marshal.
		panic(fmt.Sprintf("cannot marshal: %v", err))
	}

	return string(b)
}
