package recipe

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestModels holds that a fetch runs the program that the project names and no
// other, on what the recipe lists, and tells what the program tells.
func TestModels(t *testing.T) {
	recipe := Models([]Model{{Path: "vae/a b", URL: "https://hub/a", SHA256: sum("a"), Size: 1, TokenSecret: "tokyo-token"}})

	// What plays the program keeps what it was told, as the last build left it.
	const plays = "#!/bin/bash\nset -eu\necho \"fetcher $*\" >> \"$CLOUD/calls\"\ncp manifest.json \"$CLOUD/manifest\"\n"

	cases := map[string]struct {
		reason  string
		program string
		// Named is the hash that the project names, if it is not the program's.
		named string
		fails bool
		want  map[string]string
	}{
		"Done": {
			reason:  "What it tells is told.",
			program: plays + `echo '{"state":"partial","present":"1","failures":"0:conflict"}' > "${5#--result=}"`,
			want:    map[string]string{"state": "partial", "present": "1", "failures": "0:conflict"},
		},
		"Broken": {
			reason: "Where it breaks, its last words are.", program: plays + "echo '{\"level\":\"INFO\"}' >&2\necho 'cannot read the manifest' >&2\nexit 1\n", fails: true,
			want: map[string]string{"state": "failed", "reason": "cannot read the manifest", "log": "https://console/build/1"},
		},
		"OtherProgram": {
			reason: "Nothing runs but what is pinned.", program: plays, named: sum("another"), fails: true,
			want: map[string]string{"state": "failed", "reason": "sha256sum: WARNING: 1 computed checksum did NOT match", "log": "https://console/build/1"},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			named := tc.named
			if named == "" {
				named = sum(tc.program)
			}

			a := newAccount(t)
			a.write("s3/"+bucket+"/artefacts/"+named+"/model-fetcher", tc.program)

			if a.build("models", recipe, "MODELS_BUCKET=models", "FETCHER=artefacts/"+named+"/model-fetcher") == tc.fails {
				t.Errorf("%s\nfails: want %t", tc.reason, tc.fails)
			}

			if diff := cmp.Diff(tc.want, a.marker("models", recipe)); diff != "" {
				t.Errorf("%s\nmarker: -want, +got:\n%s", tc.reason, diff)
			}

			ran := a.count("fetcher --manifest=manifest.json --models=models --notes=s3://" + bucket + "/fetches/ --marker=s3://" + bucket + "/markers/models/" + sum(recipe)[:8] + " --result=result.json")
			if want := tc.named == ""; (ran == 1) != want {
				t.Errorf("%s\ncalls: %s", tc.reason, a.read("calls"))
			}

			if tc.named == "" && !strings.Contains(a.read("manifest"), `"tokenSecret": "tokyo-token"`) {
				t.Errorf("%s\nmanifest: %s", tc.reason, a.read("manifest"))
			}
		})
	}
}
