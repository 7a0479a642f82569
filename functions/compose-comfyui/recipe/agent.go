package recipe

// A Release is the manifest of a mirror of studio-agent.
type Release struct {
	Image              string `json:"image"`
	Digest             string `json:"digest"`
	NodeDaemonSHA256   string `json:"nodeDaemonSHA256"`
	LambdaSHA256       string `json:"lambdaSHA256"`
	ModelFetcherSHA256 string `json:"modelFetcherSHA256"`
}

// Agent is the recipe of a mirror: the image goes to the studio's registry as it
// is, and its binaries to the artefact bucket, each under its hash.
func Agent(r Release) string { return text("agent", r, nil) }
