package plan

import "cmp"

// A Release is what a version of the studio runs of its own: the image
// studio-agent, and three binaries out of it.
type Release struct {
	// Image is the repository that the image is published in, without a digest.
	Image string `json:"image"`
	// Digest is the image's, sha256:…; empty where none is published.
	Digest string `json:"digest"`
	// These are the hex digests of the daemon that keeps models in step on every
	// node, of the Lambda's zip, and of what fetches declared models.
	NodeDaemonSHA256   string `json:"nodeDaemonSHA256"`
	LambdaSHA256       string `json:"lambdaSHA256"`
	ModelFetcherSHA256 string `json:"modelFetcherSHA256"`
}

// Published says whether there is such an image.
func (r Release) Published() bool { return r.Digest != "" }

// Released is the release that this version of the function was made with. make
// agent-release writes it when it publishes the image; none is published yet.
func Released() Release { return released }

// WithRelease is the plan with another release than that which this version was
// made with.
func (p Plan) WithRelease(r Release) Plan {
	p.Release, p.NextRelease = r, r
	return p.writesContexts()
}

// Running is the plan of a studio that has r in its account. It goes on running
// that until the release that it shall have is there too: a node must find the
// daemon that its user data names.
func (p Plan) Running(r Release) Plan {
	if r.Published() {
		p.Release = r
	}

	return p
}

// AgentImage is the studio's own copy of studio-agent, by digest; empty until the
// account is known or while no image is published.
func (p Plan) AgentImage() string {
	if p.Account == "" || !p.Release.Published() {
		return ""
	}

	return p.registry() + p.ExternalName(AgentRepository) + "@" + p.Release.Digest
}

// ArtefactPrefix is what the names of all of our own binaries in the artefact
// bucket begin with. The hash of each follows.
const ArtefactPrefix = "artefacts/"

// LambdaObject is where the Lambda's zip lies in the artefact bucket, or empty
// while none is published.
func (p Plan) LambdaObject() string {
	return artefact(p.Release.LambdaSHA256, "lambda.zip")
}

// ModelFetcherObject is where the fetcher of declared models lies there, or empty
// while none is published. A studio that had its release before there was a fetcher
// gets it with the next: until then a fetch finds none, and is tried again.
func (p Plan) ModelFetcherObject() string {
	return artefact(cmp.Or(p.Release.ModelFetcherSHA256, p.NextRelease.ModelFetcherSHA256), "model-fetcher")
}

// artefact is where a binary of ours lies in the artefact bucket. Its hash is in
// the name, so another one is another object.
func artefact(sha256, name string) string {
	if sha256 == "" {
		return ""
	}

	return ArtefactPrefix + sha256 + "/" + name
}
