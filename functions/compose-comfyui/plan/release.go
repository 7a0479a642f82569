package plan

// A Release is what a version of the studio runs of its own: the image
// studio-agent, and two binaries out of it.
type Release struct {
	// Image is the repository that the image is published in, without a digest.
	Image string `json:"image"`
	// Digest is the image's, sha256:…; empty where none is published.
	Digest string `json:"digest"`
	// NodeDaemonSHA256 and LambdaSHA256 are the hex digests of the daemon that
	// keeps models in step on every node, and of the Lambda's zip.
	NodeDaemonSHA256 string `json:"nodeDaemonSHA256"`
	LambdaSHA256     string `json:"lambdaSHA256"`
}

// Published says whether there is such an image.
func (r Release) Published() bool { return r.Digest != "" }

// released is the release that this version of the function was made with.
// The build of studio-agent writes it; none is published yet.
var released = Release{Image: "ghcr.io/comfyui-studio/studio-agent"} //nolint:gochecknoglobals // A constant that Go has no const for.

// Released is the release that this version of the function was made with.
func Released() Release { return released }

// WithRelease is the plan with another release than that which this version was
// made with.
func (p Plan) WithRelease(r Release) Plan {
	p.Release = r
	return p
}
