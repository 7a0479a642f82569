package recipe

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAgent holds that a mirror is the same image, and its binaries the same
// binaries.
func TestAgent(t *testing.T) {
	recipe := Agent(Release{
		Image: "ghcr.io/comfyui-studio/studio-agent", Digest: "sha256:published",
		NodeDaemonSHA256: sum("daemon"), LambdaSHA256: sum("zip"), ModelFetcherSHA256: sum("fetcher"),
	})

	const log, mismatch = "https://console/build/1", "sha256sum: WARNING: 1 computed checksum did NOT match"

	cases := map[string]struct {
		reason          string
		daemon, fetcher string
		env             string
		want            map[string]string
	}{
		"Same": {
			reason: "Image and binaries are there, each by its hash.", daemon: "daemon", fetcher: "fetcher",
			want: map[string]string{
				"state": "done", "digest": "sha256:published", "node-daemon": sum("daemon"), "lambda": sum("zip"), "model-fetcher": sum("fetcher"),
			},
		},
		"OtherBinary": {
			reason: "A binary that is not what the release says is not taken.", daemon: "other", fetcher: "fetcher",
			want: map[string]string{"state": "failed", "reason": mismatch, "log": log},
		},
		"OtherLast": {
			reason: "Nor is the last of them.", daemon: "daemon", fetcher: "other",
			want: map[string]string{"state": "failed", "reason": mismatch, "log": log},
		},
		"OtherImage": {
			reason: "Nor is an image that changed on the way.", daemon: "daemon", fetcher: "fetcher", env: "MIRRORED=sha256:other",
			want: map[string]string{"state": "failed", "reason": "the copy of ghcr.io/comfyui-studio/studio-agent@sha256:published has another digest", "log": log},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			a.write("image/artefacts/node-daemon", tc.daemon)
			a.write("image/artefacts/lambda.zip", "zip")
			a.write("image/artefacts/model-fetcher", tc.fetcher)
			a.build("agent", recipe, "REPOSITORY="+repository, tc.env)

			if diff := cmp.Diff(tc.want, a.marker("agent", recipe)); diff != "" {
				t.Errorf("%s\nmarker: -want, +got:\n%s", tc.reason, diff)
			}

			for name, content := range map[string]string{"node-daemon": "daemon", "lambda.zip": "zip", "model-fetcher": "fetcher"} {
				if got := a.read("s3/" + bucket + "/artefacts/" + sum(content) + "/" + name); tc.want["state"] == "done" && got != content {
					t.Errorf("%s\n%s: got %q", tc.reason, name, got)
				}
			}

			if got := a.read("s3/" + bucket + "/artefacts/" + sum("fetcher") + "/model-fetcher"); got == "other" {
				t.Errorf("%s\nIt lies there under a hash that is not its own.", tc.reason)
			}
		})
	}
}
