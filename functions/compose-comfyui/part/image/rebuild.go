package image

import (
	scheduler "github.com/upbound/provider-aws/v2/apis/namespaced/scheduler/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// When images are built again: in a night, and not at once as a rate would.
const (
	weekly  = "cron(0 3 ? * MON *)"
	monthly = "cron(0 3 1 * ? *)"
)

// rebuild builds the image of a hash again from time to time. What comes of it is in
// the hash's marker beside what was built first, and facts take it when the claim
// says so. The build is told what servers run, since it offers one image at a time.
func rebuild(p plan.Plan, f facts.Facts, hash string, d *kit.Desired) {
	when := weekly
	if p.Image.Rebuild.Every == v1alpha1.RebuildMonthly {
		when = monthly
	}

	b := plan.BuildComfyUI

	g := kit.All(account(p), kit.After(plan.BuildProject(b), plan.TriggerPolicy, plan.BuildContext(b, hash)))
	d.AddWhen(g, plan.Rebuild(hash), &scheduler.Schedule{Spec: scheduler.ScheduleSpec{ForProvider: scheduler.ScheduleParameters{
		Name:               new(p.RebuildName(hash)),
		GroupName:          new("default"),
		Description:        new("Builds " + string(b) + " " + hash + " again"),
		ScheduleExpression: new(when),
		FlexibleTimeWindow: &scheduler.FlexibleTimeWindowParameters{Mode: new("OFF")},
		Target: &scheduler.TargetParameters{
			Arn:        new(p.ProjectARN(b)),
			RoleArnRef: d.Ref(plan.TriggerRole),
			Input: new(startInput(
				override{Name: "KEY", Type: plaintext, Value: plan.ContextObject(b, hash)},
				override{Name: "REBUILD", Type: plaintext, Value: "yes"},
				override{Name: "RUNS", Type: plaintext, Value: f.Image.Digest},
			)),
		},
	}}})
}
