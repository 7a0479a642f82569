package main

import (
	"regexp"
	"strings"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
)

// A remedy is what people can do about a trouble that does not go away by itself.
type remedy struct {
	// keys is what the resource's key begins with, says what its trouble matches.
	keys string
	says *regexp.Regexp
	do   string
}

// remedies are tried in order. Most of them are about a provider that was
// restarted between asking AWS for something and writing down the id that AWS
// gave it: it asks again, and AWS has it already.
func remedies() []remedy {
	already := regexp.MustCompile(`(?i)already (exists|been associated|associated)|alreadyexists|alreadyassociated|duplicate|InvalidSubnet\.Conflict`)

	return []remedy{
		{"edge-record-", already, "the name has a record that is not the studio's; delete it, or give spec.access.domain another name"},
		{"edge-distribution", regexp.MustCompile(`CNAMEAlreadyExists`), "another distribution serves the name; see docs/runbooks/edge.md"},
		{"edge-vpc-origin-", already, "it is there, and the provider has lost its id; see docs/runbooks/edge.md"},
		{"edge-", already, "it is there, and the provider has lost its id; see docs/runbooks/edge.md"},
		{"network-", already, "it is there, and the provider has lost its id; see docs/runbooks/provider-restart.md"},
		// Helm's record of an install that was cut off says so for ever: by a provider
		// that was restarted, or a token that ended.
		{"capacity-", regexp.MustCompile(`another operation \(install/upgrade/rollback\) is in progress`), "an install was cut off and Helm waits for its end; see docs/runbooks/capacity.md"},
	}
}

// advice is what to do about a resource's trouble, or empty.
func advice(k kit.Key, trouble string) string {
	for _, r := range remedies() {
		if strings.HasPrefix(string(k), r.keys) && r.says.MatchString(trouble) {
			return "; " + r.do
		}
	}

	return ""
}
