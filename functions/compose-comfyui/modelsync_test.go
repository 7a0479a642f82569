package main

import (
	"regexp"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// TestPokedNodes holds the two ends of a poke together, which are of two parts:
// the Lambda names nodes by a tag that they have, and the document the unit that
// their user data installs.
func TestPokedNodes(t *testing.T) {
	rsps := newWorld(t, loadClaim(t, "testdata/claims/single.yaml")).settle()
	resources := rsps[len(rsps)-1].GetDesired().GetResources()

	find := func(key, pattern string) string {
		t.Helper()

		b, err := protojson.MarshalOptions{}.Marshal(resources[key].GetResource())
		if err != nil {
			t.Fatal(err)
		}

		m := regexp.MustCompile(pattern).FindSubmatch(b)
		if m == nil {
			t.Fatalf("%s holds no %s: %s", key, pattern, b)
		}

		return string(m[1])
	}

	var class string

	for _, k := range sortedKeys(resources) {
		if resources[k].GetResource().GetFields()["spec"].GetStructValue().GetFields()["forProvider"].GetStructValue().GetFields()["manifest"].GetStructValue().GetFields()["kind"].GetStringValue() == "EC2NodeClass" {
			class = k
		}
	}

	if poked, installed := find(string(plan.SyncDocument), `--signal=USR1 ([a-z-]+\.service)`), find(class, `/etc/systemd/system/([a-z-]+\.service)`); poked != installed {
		t.Errorf("The document pokes %s, user data installs %s.", poked, installed)
	}

	key, value := find(string(plan.SyncFunction), `"TAG_KEY": *"([^"]+)"`), find(string(plan.SyncFunction), `"TAG_VALUE": *"([^"]+)"`)
	if got := find(class, `"`+regexp.QuoteMeta(key)+`": *"([^"]+)"`); got != value {
		t.Errorf("The Lambda tells nodes whose tag %s is %s, nodes have %s.", key, value, got)
	}
}
