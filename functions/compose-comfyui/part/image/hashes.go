package image

import (
	"slices"
	"strings"

	xpv1 "github.com/crossplane/crossplane-runtime/v2/apis/common/v1"
	s3 "github.com/upbound/provider-aws/v2/apis/namespaced/s3/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// hashes adds what there is once per hash of what a build shall build, and lets
// the older ones go: what starts a build at once, what it left behind when the
// newer is done.
func hashes(p plan.Plan, f facts.Facts, b plan.Build, d *kit.Desired) {
	hash := p.ContextHash(b)

	if hash != "" {
		context(p, b, hash, d)
		schedule(p, b, hash, d)
		marker(p, b, hash, d)
	}

	wanted := map[kit.Key]bool{
		plan.BuildContext(b, hash): true, plan.BuildSchedule(b, hash): true, plan.BuildMarker(b, hash): true,
	}

	if b == plan.BuildComfyUI && p.Image.Rebuild != nil {
		rebuild(p, f, hash, d)

		wanted[plan.Rebuild(hash)] = true
	}

	// The marker of what runs tells its digest, until there is another to run.
	runs := f.Image.Builds[b].State == facts.Building || f.Image.Builds[b].State == facts.Failed

	for _, k := range families(b, d) {
		older, isMarker := strings.CutPrefix(string(k), plan.BuildMarkers(b))

		switch {
		case wanted[k]:
		case isMarker && runs:
			marker(p, b, older, d)
		default:
			d.RemoveAfter(k)
		}
	}
}

// context is what shall be built.
func context(p plan.Plan, b plan.Build, hash string, d *kit.Desired) {
	// Nothing is put where others could read it, and S3 tells of it.
	after := append(uses(p, b), plan.ArtefactKey(plan.BucketAccess), plan.ArtefactKey(plan.BucketOwnership),
		plan.ArtefactNotification, plan.BuildTarget(b))
	g := kit.All(account(p), kit.After(after...))

	d.AddWhen(g, plan.BuildContext(b, hash), &s3.Object{Spec: s3.ObjectSpec{ForProvider: s3.ObjectParameters{
		BucketRef:   d.Ref(plan.ArtefactKey(plan.BucketItself)),
		Key:         new(plan.ContextObject(b, hash)),
		Content:     new(p.Context(b)),
		ContentType: new("application/json"),
		// The provider says private otherwise, which S3 refuses in a bucket whose
		// objects are all its owner's.
		ACL: new("bucket-owner-full-control"),
		// An object has ten tags at most, and people may have more.
		Tags: map[string]*string{plan.TagStudio: new(p.StudioTag())},
	}}})
}

// uses are what a build finds in place when it starts.
func uses(p plan.Plan, b plan.Build) []kit.Key {
	if b != plan.BuildModels {
		return []kit.Key{repositoryOf(b)}
	}

	out := []kit.Key{plan.BucketKey(plan.Models, plan.BucketItself)}
	for _, t := range p.ModelTokens() {
		out = append(out, plan.TokenValue(t.Hash))
	}

	return out
}

// marker is what a build leaves behind. The provider looks for it once a minute
// until it is there, and at its poll interval from then on.
func marker(p plan.Plan, b plan.Build, hash string, d *kit.Desired) {
	o := &s3.Object{Spec: s3.ObjectSpec{ForProvider: s3.ObjectParameters{
		BucketRef: d.Ref(plan.ArtefactKey(plan.BucketItself)),
		Key:       new(plan.MarkerObject(b, hash)),
		Tags:      map[string]*string{},
	}}}
	o.SetManagementPolicies(xpv1.ManagementPolicies{xpv1.ManagementActionObserve})

	d.AddWhen(kit.All(account(p), kit.After(plan.BuildSchedule(b, hash))), plan.BuildMarker(b, hash), o)
}

// families are the observed members of a build's families.
func families(b plan.Build, d *kit.Desired) []kit.Key {
	out := starters(b, d)

	for _, family := range []string{plan.BuildContexts(b), plan.BuildMarkers(b)} {
		out = append(out, d.Observed().Family(family)...)
	}

	return out
}

// starters are the observed schedules of a build.
func starters(b plan.Build, d *kit.Desired) []kit.Key {
	out := slices.Clone(d.Observed().Family(plan.BuildSchedules(b)))
	if b == plan.BuildComfyUI {
		out = append(out, d.Observed().Family(plan.Rebuilds)...)
	}

	return out
}

// remove takes a build away that the spec does not ask for any more: first what
// starts it, then the project, then what the project used.
func remove(b plan.Build, d *kit.Desired) {
	for _, k := range families(b, d) {
		d.RemoveAfter(k)
	}

	d.RemoveAfter(plan.BuildTarget(b))
	d.RemoveAfter(plan.BuildRule(b), plan.BuildTarget(b))
	d.RemoveAfter(plan.BuildProject(b), append(starters(b, d), plan.BuildTarget(b))...)
	d.RemoveAfter(plan.BuildPolicy(b), plan.BuildProject(b))
	d.RemoveAfter(plan.BuildLogs(b), plan.BuildProject(b))
	d.RemoveAfter(plan.BuildRole(b), plan.BuildPolicy(b))
}
