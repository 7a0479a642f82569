package plan

import (
	"strings"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
)

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
// project with its role, log group and rule and, for each hash of what it shall
// build, what starts it and what it leaves behind.
const (
	Repository               kit.Key = "image-repository"
	RepositoryLifecycle      kit.Key = "image-repository-lifecycle"
	AgentRepository          kit.Key = "image-agent-repository"
	AgentRepositoryLifecycle kit.Key = "image-agent-repository-lifecycle"
	TriggerRole              kit.Key = "image-trigger-role"
	TriggerPolicy            kit.Key = "image-trigger-policy"

	artefacts           = "image-artefacts"
	familyBuildProject  = "image-build-project-"
	familyBuildRole     = "image-build-role-"
	familyBuildPolicy   = "image-build-policy-"
	familyBuildLogs     = "image-build-logs-"
	familyBuildRule     = "image-build-rule-"
	familyBuildTarget   = "image-build-target-"
	familyBuildContext  = "image-context-"
	familyBuildSchedule = "image-schedule-"
	familyBuildMarker   = "image-marker-"
	familyRebuild       = "image-rebuild-schedule-"
	familyToken         = "image-token-secret-"  //nolint:gosec // The start of a key.
	familyTokenValue    = "image-token-version-" //nolint:gosec // The start of a key.
)

// ArtefactKey is the key of the artefact bucket or of one of its settings.
func ArtefactKey(a Aspect) kit.Key { return kit.Key(artefacts + string(a)) }

// ArtefactNotification sends the artefact bucket's events to EventBridge.
const ArtefactNotification kit.Key = artefacts + "-notification"

// BuildProject is a build's CodeBuild project.
func BuildProject(b Build) kit.Key { return kit.Key(familyBuildProject + string(b)) }

// BuildRole is the role that its builds run as.
func BuildRole(b Build) kit.Key { return kit.Key(familyBuildRole + string(b)) }

// BuildPolicy is what that role may do.
func BuildPolicy(b Build) kit.Key { return kit.Key(familyBuildPolicy + string(b)) }

// BuildLogs is the log group of a build.
func BuildLogs(b Build) kit.Key { return kit.Key(familyBuildLogs + string(b)) }

// BuildRule hears of a new context of a build.
func BuildRule(b Build) kit.Key { return kit.Key(familyBuildRule + string(b)) }

// BuildTarget starts the build then.
func BuildTarget(b Build) kit.Key { return kit.Key(familyBuildTarget + string(b)) }

// BuildContext is the object that holds what the build of a hash shall build.
func BuildContext(b Build, hash8 string) kit.Key { return kit.Key(BuildContexts(b) + hash8) }

// BuildSchedule starts the build of a hash.
func BuildSchedule(b Build, hash8 string) kit.Key { return kit.Key(BuildSchedules(b) + hash8) }

// BuildMarker is what the build of a hash leaves behind.
func BuildMarker(b Build, hash8 string) kit.Key { return kit.Key(BuildMarkers(b) + hash8) }

// Rebuild builds the image of a hash again from time to time.
func Rebuild(hash8 string) kit.Key { return kit.Key(Rebuilds + hash8) }

// Rebuilds is the family of what does.
const Rebuilds = familyRebuild

// BuildContexts is the family of a build's contexts. A part looks through it for
// what a newer hash has replaced.
func BuildContexts(b Build) string { return familyBuildContext + string(b) + "-" }

// BuildSchedules is the family of a build's schedules.
func BuildSchedules(b Build) string { return familyBuildSchedule + string(b) + "-" }

// BuildMarkers is the family of a build's markers.
func BuildMarkers(b Build) string { return familyBuildMarker + string(b) + "-" }

// Tokens and TokenValues are the families of the secrets that hold bearer tokens
// for gated models, and of what is in them.
const (
	Tokens      = familyToken
	TokenValues = familyTokenValue
)

// Token is the secret in AWS that a token of the claim's namespace goes to.
func Token(hash8 string) kit.Key { return kit.Key(familyToken + hash8) }

// TokenValue is what puts it there.
func TokenValue(hash8 string) kit.Key { return kit.Key(familyTokenValue + hash8) }

// TokenValueOf is the value that belongs to a secret.
func TokenValueOf(token kit.Key) kit.Key {
	return kit.Key(familyTokenValue + strings.TrimPrefix(string(token), familyToken))
}

func imageKeys() []kit.Key {
	out := []kit.Key{
		Repository, RepositoryLifecycle, AgentRepository, AgentRepositoryLifecycle,
		TriggerRole, TriggerPolicy, ArtefactNotification,
	}
	for _, b := range Builds() {
		out = append(out, BuildProject(b), BuildRole(b), BuildPolicy(b), BuildLogs(b), BuildRule(b), BuildTarget(b))
	}
	for _, a := range BucketAspects() {
		out = append(out, ArtefactKey(a))
	}

	return out
}

func imageFamilies() []string {
	out := []string{familyToken, familyTokenValue, familyRebuild}
	for _, b := range Builds() {
		out = append(out, BuildContexts(b), BuildSchedules(b), BuildMarkers(b))
	}

	return out
}
