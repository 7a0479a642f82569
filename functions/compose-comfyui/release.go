package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"

	"sigs.k8s.io/yaml"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// sha256Hex matches the digest of a file.
var sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)

// release is the studio-agent that studios run: the one that this version was
// made with, unless the flags say otherwise.
func (c *cli) release() (plan.Release, error) {
	r := plan.Released()

	if c.AgentRelease != "" {
		b, err := os.ReadFile(c.AgentRelease)
		if err != nil {
			return plan.Release{}, fmt.Errorf("cannot read --agent-release: %w", err)
		}

		r = plan.Release{}
		if err := yaml.UnmarshalStrict(b, &r); err != nil {
			return plan.Release{}, fmt.Errorf("cannot read --agent-release: %w", err)
		}

		if err := whole(r); err != nil {
			return plan.Release{}, fmt.Errorf("cannot use --agent-release: %w", err)
		}
	}

	if c.AgentImage != "" {
		r.Image = c.AgentImage
	}

	return r, nil
}

// whole refuses half a release: a node that cannot check what it runs must not
// run it.
func whole(r plan.Release) error {
	if r.Image == "" {
		return errors.New("image is empty; name the repository, such as ghcr.io/team/studio-agent")
	}

	const prefix = "sha256:"
	for field, digest := range map[string]string{
		"digest":             trimmed(r.Digest, prefix),
		"nodeDaemonSHA256":   r.NodeDaemonSHA256,
		"lambdaSHA256":       r.LambdaSHA256,
		"modelFetcherSHA256": r.ModelFetcherSHA256,
	} {
		if !sha256Hex.MatchString(digest) {
			return fmt.Errorf("%s must hold 64 hexadecimal digits", field)
		}
	}

	return nil
}

func trimmed(s, prefix string) string {
	if len(s) > len(prefix) && s[:len(prefix)] == prefix {
		return s[len(prefix):]
	}

	return ""
}
