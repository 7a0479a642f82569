package plan

import (
	"strings"
	"sync"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/recipe"
)

// Longest names: ecr:CreateRepository, codebuild:CreateProject,
// scheduler:CreateSchedule, secretsmanager:CreateSecret.
const (
	maxRepository = 256
	maxProject    = 150
	maxSchedule   = 64
	maxSecret     = 512
)

// BuildLogDays is how long the logs of builds are kept.
const BuildLogDays = 30

// Prefixes of the artefact bucket. Per build: what shall be built, and what was.
const (
	ContextPrefix = "contexts/"
	MarkerPrefix  = "markers/"
	// NotePrefix begins what a fetch of models remembers to go on with.
	NotePrefix = "fetches/"
)

// A context is what a build shall build, as the text of one object, and the hash
// that names it.
type context struct{ text, hash string }

// writesContexts is the plan with the contexts that follow from it. Each is a
// manifest and all the files that fulfil it, so they are written when somebody asks,
// and once.
func (p Plan) writesContexts() Plan {
	p.contexts = sync.OnceValue(func() map[Build]context {
		out := map[Build]context{}

		for _, b := range Builds() {
			if text := p.recipe(b); text != "" {
				out[b] = context{text: text, hash: hash(text, 8)}
			}
		}

		return out
	})

	return p
}

func (p Plan) recipe(b Build) string {
	switch b {
	case BuildComfyUI:
		if p.Image.URI != "" {
			return ""
		}

		return recipe.ComfyUI(p.Image)
	case BuildAgent:
		r := p.NextRelease
		if !r.Published() {
			return ""
		}

		return recipe.Agent(recipe.Release(r))
	case BuildModels:
		if len(p.Models) == 0 {
			return ""
		}

		return recipe.Models(p.modelSources())
	}

	return ""
}

// Context is what a build shall build, as the text of one object; empty where
// there is nothing to build.
func (p Plan) Context(b Build) string { return p.contexts()[b].text }

// ContextHash names what a build shall build by its content; empty where there is
// nothing to build.
func (p Plan) ContextHash(b Build) string { return p.contexts()[b].hash }

// ContextObject is where the context of a hash lies in the artefact bucket.
func ContextObject(b Build, hash8 string) string {
	return ContextPrefix + string(b) + "/" + hash8 + ".json"
}

// MarkerObject is where a build writes what became of a hash.
func MarkerObject(b Build, hash8 string) string { return MarkerPrefix + string(b) + "/" + hash8 }

// ArtefactBucket is the bucket of build contexts, markers and our own binaries;
// empty until the account is known.
func (p Plan) ArtefactBucket() string {
	if p.Account == "" {
		return ""
	}

	return fit("comfyui-artefacts", "-"+p.Account+"-"+p.RegionName+"-"+p.id(), maxBucket)
}

// ArtefactARN is the ARN of that bucket, empty until the account is known.
func (p Plan) ArtefactARN() string {
	if p.Account == "" {
		return ""
	}

	return "arn:aws:s3:::" + p.ArtefactBucket()
}

// RepositoryURI is where a repository of the studio is pulled from.
func (p Plan) RepositoryURI(k kit.Key) string { return p.registry() + p.ExternalName(k) }

// RepositoryARN is a repository's ARN.
func (p Plan) RepositoryARN(k kit.Key) string {
	return p.arn("ecr", p.RegionName, "repository/"+p.ExternalName(k))
}

// ProjectARN is the ARN of a build's project.
func (p Plan) ProjectARN(b Build) string {
	return p.arn("codebuild", p.RegionName, "project/"+p.ExternalName(BuildProject(b)))
}

// LogsARN is the ARN of everything in a log group.
func (p Plan) LogsARN(group kit.Key) string {
	return p.arn("logs", p.RegionName, "log-group:"+p.ExternalName(group)+":*")
}

// BuildRuleARN is the ARN of the rule that starts a build.
func (p Plan) BuildRuleARN(b Build) string {
	return p.arn("events", p.RegionName, "rule/"+p.ExternalName(BuildRule(b)))
}

// ScheduleGroupARN is the ARN of the group that schedules are in.
func (p Plan) ScheduleGroupARN() string {
	return p.arn("scheduler", p.RegionName, "schedule-group/default")
}

// SecretARN is the ARN of a secret by its name, behind which AWS puts six
// characters of its own.
func (p Plan) SecretARN(name string) string {
	return p.arn("secretsmanager", p.RegionName, "secret:"+name+"-??????")
}

// ScheduleName is the name of what starts the build of a hash.
func (p Plan) ScheduleName(b Build, hash8 string) string {
	return p.name("build-"+string(b)+"-"+hash8, maxSchedule)
}

// TakesRebuild says that servers shall run a rebuild of the image that the spec asks
// for, and not what was built first.
func (p Plan) TakesRebuild() bool {
	return p.Image.Rebuild != nil && strings.HasPrefix(p.Image.Rebuild.Use, p.ContextHash(BuildComfyUI)+"-")
}

// RebuildName is the name of what builds the image of a hash again.
func (p Plan) RebuildName(hash8 string) string { return p.name("rebuild-"+hash8, maxSchedule) }

// registry is the account's registry, with the slash that follows it.
func (p Plan) registry() string { return p.Account + ".dkr.ecr." + p.RegionName + ".amazonaws.com/" }

// imageName is the name that AWS shows of a resource of part image.
func (p Plan) imageName(k kit.Key) string {
	switch k {
	case ArtefactKey(BucketItself):
		return p.ArtefactBucket()
	case Repository:
		return p.repository("comfyui")
	case AgentRepository:
		return p.repository("studio-agent")
	case TriggerRole:
		return p.name("build-trigger", maxRole)
	}

	for _, b := range Builds() {
		switch k {
		case BuildProject(b):
			return p.name("build-"+string(b), maxProject)
		case BuildRole(b):
			return p.name("build-"+string(b), maxRole)
		case BuildLogs(b):
			return "/aws/codebuild/" + p.ExternalName(BuildProject(b))
		case BuildRule(b):
			return p.name("build-"+string(b), maxRule)
		}

		// What is only looked at is found by its name alone.
		if h, ok := strings.CutPrefix(string(k), BuildMarkers(b)); ok && p.Account != "" {
			return p.ArtefactBucket() + "/" + MarkerObject(b, h)
		}
	}

	return ""
}

// repository is a name as ECR takes it, which has no two dashes in a row.
func (p Plan) repository(what string) string {
	name := p.name(what, maxRepository)
	for strings.Contains(name, "--") {
		name = strings.ReplaceAll(name, "--", "-")
	}

	return name
}
