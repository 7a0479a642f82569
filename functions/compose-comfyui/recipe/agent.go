package recipe

// agent is the manifest of a mirror of studio-agent.
type agent struct {
	Image            string `json:"image"`
	Digest           string `json:"digest"`
	NodeDaemonSHA256 string `json:"nodeDaemonSHA256"`
	LambdaSHA256     string `json:"lambdaSHA256"`
}

// Agent is the recipe of a mirror: the image goes to the studio's registry as it
// is, and its two binaries to the artefact bucket, each under its hash.
func Agent(image, digest, nodeDaemonSHA256, lambdaSHA256 string) string {
	return text("agent", agent{
		Image: image, Digest: digest, NodeDaemonSHA256: nodeDaemonSHA256, LambdaSHA256: lambdaSHA256,
	}, nil)
}
