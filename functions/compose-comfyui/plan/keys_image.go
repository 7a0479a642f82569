package plan

import "github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"

// A Build is one of the studio's CodeBuild projects.
type Build string

// The builds there are: the ComfyUI image, the mirror of our own studio-agent,
// and the fetcher of declared models.
const (
	BuildComfyUI Build = "comfyui"
	BuildAgent   Build = "agent"
	BuildModels  Build = "models"
)

// Builds are all of them.
func Builds() []Build { return []Build{BuildComfyUI, BuildAgent, BuildModels} }

// The keys of part image: registries, the artefact bucket, and per build a
// project with its role, log group and, for each hash of what it shall build,
// what starts it and what it leaves behind.
const (
	Repository               kit.Key = "image-repository"
	RepositoryLifecycle      kit.Key = "image-repository-lifecycle"
	AgentRepository          kit.Key = "image-agent-repository"
	AgentRepositoryLifecycle kit.Key = "image-agent-repository-lifecycle"
	TriggerRole              kit.Key = "image-trigger-role"
	TriggerPolicy            kit.Key = "image-trigger-policy"
	ContextRule              kit.Key = "image-context-rule"
	ContextTarget            kit.Key = "image-context-target"

	artefacts           = "image-artefacts"
	familyBuildProject  = "image-build-project-"
	familyBuildRole     = "image-build-role-"
	familyBuildPolicy   = "image-build-policy-"
	familyBuildLogs     = "image-build-logs-"
	familyBuildContext  = "image-context-"
	familyBuildSchedule = "image-schedule-"
	familyBuildMarker   = "image-marker-"
)

// ArtefactKey is the key of the artefact bucket or of one of its settings.
func ArtefactKey(a Aspect) kit.Key { return kit.Key(artefacts + string(a)) }

// ArtefactNotification sends the artefact bucket's events to EventBridge.
const ArtefactNotification kit.Key = artefacts + "-notification"

// BuildProject is a build's CodeBuild project; BuildRole, BuildPolicy and
// BuildLogs are its role, that role's policy and its log group.
func BuildProject(b Build) kit.Key { return kit.Key(familyBuildProject + string(b)) }
func BuildRole(b Build) kit.Key    { return kit.Key(familyBuildRole + string(b)) }
func BuildPolicy(b Build) kit.Key  { return kit.Key(familyBuildPolicy + string(b)) }
func BuildLogs(b Build) kit.Key    { return kit.Key(familyBuildLogs + string(b)) }

// BuildContext is the object that holds what a build of a hash shall build,
// BuildSchedule starts it, and BuildMarker is what it writes when it is done.
func BuildContext(b Build, hash8 string) kit.Key {
	return kit.Key(familyBuildContext + string(b) + "-" + hash8)
}

func BuildSchedule(b Build, hash8 string) kit.Key {
	return kit.Key(familyBuildSchedule + string(b) + "-" + hash8)
}

func BuildMarker(b Build, hash8 string) kit.Key {
	return kit.Key(familyBuildMarker + string(b) + "-" + hash8)
}

// BuildContexts, BuildSchedules and BuildMarkers are the families of a build that
// the part looks through for what a newer hash has replaced.
func BuildContexts(b Build) string  { return familyBuildContext + string(b) + "-" }
func BuildSchedules(b Build) string { return familyBuildSchedule + string(b) + "-" }
func BuildMarkers(b Build) string   { return familyBuildMarker + string(b) + "-" }

func imageKeys() []kit.Key {
	out := []kit.Key{
		Repository, RepositoryLifecycle, AgentRepository, AgentRepositoryLifecycle,
		TriggerRole, TriggerPolicy, ContextRule, ContextTarget, ArtefactNotification,
	}
	for _, b := range Builds() {
		out = append(out, BuildProject(b), BuildRole(b), BuildPolicy(b), BuildLogs(b))
	}
	for _, a := range BucketAspects() {
		out = append(out, ArtefactKey(a))
	}

	return out
}

func imageFamilies() []string {
	var out []string
	for _, b := range Builds() {
		out = append(out, BuildContexts(b), BuildSchedules(b), BuildMarkers(b))
	}

	return out
}
