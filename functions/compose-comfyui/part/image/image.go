// Package image composes what builds inside AWS and where it puts it: a registry
// for the ComfyUI image and one for our own studio-agent, the artefact bucket, and
// three CodeBuild projects. One builds the ComfyUI image, one copies studio-agent
// into the account, one fetches declared models into the models bucket.
//
// What a build shall build is one object in the artefact bucket, named by its
// hash. A schedule of its own starts it, and so does the object's appearance. A
// build that finds its hash done ends at once. When it is done, or has failed, it
// writes a marker that the provider only looks at: facts read there which image
// can be pulled. What a newer hash has replaced leaves when the newer is done.
//
// Nearly all of it waits for the account id, and the fetch of models for our own
// program that does it, which the copy of studio-agent brings. A build that the
// spec does not ask for is not there: with a ready image nothing of ComfyUI's
// build, without declared models nothing of theirs.
package image

import (
	cloudwatchevents "github.com/upbound/provider-aws/v2/apis/namespaced/cloudwatchevents/v1beta1"
	cloudwatchlogs "github.com/upbound/provider-aws/v2/apis/namespaced/cloudwatchlogs/v1beta1"
	codebuild "github.com/upbound/provider-aws/v2/apis/namespaced/codebuild/v1beta1"
	ecr "github.com/upbound/provider-aws/v2/apis/namespaced/ecr/v1beta1"
	iam "github.com/upbound/provider-aws/v2/apis/namespaced/iam/v1beta1"
	s3 "github.com/upbound/provider-aws/v2/apis/namespaced/s3/v1beta1"
	scheduler "github.com/upbound/provider-aws/v2/apis/namespaced/scheduler/v1beta1"
	secretsmanager "github.com/upbound/provider-aws/v2/apis/namespaced/secretsmanager/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/bucket"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

func init() { //nolint:gochecknoinits // composed.From finds types through a global scheme.
	kit.Register(cloudwatchevents.AddToScheme)
	kit.Register(cloudwatchlogs.AddToScheme)
	kit.Register(codebuild.AddToScheme)
	kit.Register(ecr.AddToScheme)
	kit.Register(iam.AddToScheme)
	kit.Register(s3.AddToScheme)
	kit.Register(scheduler.AddToScheme)
	kit.Register(secretsmanager.AddToScheme)
}

// Compose adds registries, artefacts and builds.
func Compose(p plan.Plan, f facts.Facts, d *kit.Desired) {
	repositories(p, d)
	artefacts(p, d)
	tokens(p, d)

	var wanted []plan.Build

	for _, b := range plan.Builds() {
		// Our own image is always wanted, also by a version that knows of none: what
		// an earlier version brought runs on.
		if b == plan.BuildAgent || p.ContextHash(b) != "" {
			wanted = append(wanted, b)
		} else {
			remove(b, d)
		}
	}

	trigger(p, wanted, d)

	for _, b := range wanted {
		project(p, f, b, d)
		starts(p, b, d)
		hashes(p, f, b, d)
	}
}

// artefacts adds the bucket of contexts, markers, our own binaries, and what nodes
// and fetches write down. Nothing in it is anybody's work: it goes with the studio.
func artefacts(p plan.Plan, d *kit.Desired) {
	bucket.Bucket{
		Key: plan.ArtefactKey, Name: p.ArtefactBucket(), ARN: p.ArtefactARN(), Delete: true,
		Rules: []s3.BucketLifecycleConfigurationRuleParameters{
			// A node that lives writes every few minutes; one that does not never deletes.
			expire("node-statuses", plan.NodeStatusPrefix, 1),
			// After seven days the upload that a note is of is gone, too.
			expire("fetch-notes", plan.NotePrefix, 8),
		},
	}.Add(d)

	d.AddWhen(account(p), plan.ArtefactNotification, &s3.BucketNotification{Spec: s3.BucketNotificationSpec{ForProvider: s3.BucketNotificationParameters{
		BucketRef:   d.Ref(plan.ArtefactKey(plan.BucketItself)),
		Eventbridge: new(true),
	}}})
}

func expire(id, prefix string, days float64) s3.BucketLifecycleConfigurationRuleParameters {
	return s3.BucketLifecycleConfigurationRuleParameters{
		ID:         new(id),
		Status:     new("Enabled"),
		Filter:     []s3.RuleFilterParameters{{Prefix: new(prefix)}},
		Expiration: []s3.RuleExpirationParameters{{Days: new(days)}},
	}
}

// account waits for the account id, which is in every ARN.
func account(p plan.Plan) kit.Gate { return kit.Needs(p.Account, "the account id") }
