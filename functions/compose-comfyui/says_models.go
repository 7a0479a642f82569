package main

import (
	"fmt"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// whyNot says in words why a model could not be fetched, and what helps. The codes
// are those of the fetcher.
func whyNot(p plan.Plan, m facts.ModelFailure) string {
	const again = "; it is tried again within a day"

	switch m.Why {
	case "conflict":
		return "the bucket holds another file there, which is left alone: rename or delete one of the two"
	case "checksum":
		return "what its url gives has another sha256: correct spec.models.files, or ask the source"
	case "size":
		return "what its url gives has another size: correct spec.models.files, or ask the source"
	case "page":
		return "its url gives a web page: name the address of the file itself, and a token in tokenSecretRef if the source asks for a login"
	case "changed":
		return "the file changed at its source while it was read" + again
	case "gated":
		return "its source asks for a token: put one into a Secret and name it in tokenSecretRef; for s3:// let the bucket's policy admit the studio's account"
	case "token":
		return "its source refuses " + tokenOf(p, m.Path) + ": accept the model's terms at the source, or put a valid token under another key and name that in tokenSecretRef"
	case "no-token":
		return "the build cannot read the copy of " + tokenOf(p, m.Path) + ": look whether the Secret and its key are there"
	case "missing":
		return "its source has no such file: correct the url"
	case "busy":
		return "its source fails or asks to come later" + again
	case "unreachable":
		return "its source does not answer: correct the host in the url, or wait" + again
	case "insecure":
		return "its source sends on to an address without https: name one that does not"
	case "source":
		return "its source does not give the file; the build's log says why: correct the url"
	case "denied":
		return "the models bucket refuses the build: look at the bucket's policy"
	case "bucket":
		return "the models bucket cannot be written, the build's log says why" + again
	case "stopped":
		return "the build was ended; the next goes on"
	default:
		// Whoever can write a marker must not make the status longer than it may be.
		return fmt.Sprintf("the build says %.64q", m.Why)
	}
}

// tokenOf names the token that a model is fetched with, as the claim does.
func tokenOf(p plan.Plan, path string) string {
	for _, m := range p.Models {
		if m.Path == path && m.TokenSecret != nil {
			return fmt.Sprintf("the token in Secret %s, key %s", m.TokenSecret.Name, m.TokenSecret.Key)
		}
	}

	return "the token"
}
