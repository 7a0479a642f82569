// Package comfyuistudios holds the definition of the claim, for programs that check
// claims without a cluster.
package comfyuistudios

import _ "embed"

// Definition is the CompositeResourceDefinition.
//
//go:embed definition.yaml
var Definition []byte
