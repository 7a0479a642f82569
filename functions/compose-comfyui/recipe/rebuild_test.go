package recipe

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRebuild goes through the life of an image that is built again and again. What
// servers run is the marker's digest until the claim takes what is offered.
func TestRebuild(t *testing.T) {
	a := newAccount(t)

	step := func(reason, debian, runs string, ends bool, want map[string]string) {
		t.Helper()
		a.write("debian", debian)

		env := []string{"REPOSITORY=" + repository}
		if runs != "" {
			env = append(env, "REBUILD=yes", "RUNS="+runs)
		}

		if got := a.build("comfyui", image(), env...); got != ends {
			t.Errorf("%s\nends well: want %t, got %t", reason, ends, got)
		}

		got := a.marker("comfyui", image())
		// The tag has the day in it.
		if tag, digest, found := strings.Cut(got["rebuilt"], "@"); found {
			if hash, day, _ := strings.Cut(tag, "-"); hash != sum(image())[:8] || len(day) != len("20261127") {
				t.Errorf("%s\ntag: got %s", reason, tag)
			}

			got["rebuilt"] = digest
		}

		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\nmarker: -want, +got:\n%s", reason, diff)
		}
	}

	built := map[string]string{"state": "done", "digest": "sha256:ours"}

	step("Nothing is built again that was not built.", "", "sha256:other", true, nil)
	step("The first build.", "", "", true, built)
	step("What has no newer packages is not offered.", "", "sha256:ours", true, built)

	if got := a.count("docker push "); got != 1 {
		t.Errorf("Nor pushed: want 1 push, got %d", got)
	}

	a.write("broken", "")
	step("A failure is told, and takes nothing away.", "1", "sha256:ours", false, map[string]string{
		"state": "done", "digest": "sha256:ours", "log": "https://console/build/1", "reason": "ERROR: no matching distribution found for a==9",
	})
	a.remove("broken")

	offer := map[string]string{"state": "done", "digest": "sha256:ours", "rebuilt": "sha256:ours1", "earlier": "sha256:ours"}

	step("Newer packages are another image.", "1", "sha256:ours", true, offer)
	step("The daily look at the first build changes nothing.", "1", "", true, offer)

	// On another day, when nothing has its tag yet.
	a.remove("ecr/tokyo-comfyui/imageTag=" + a.offered())
	step("An offer stands until somebody takes it.", "2", "sha256:ours", true, offer)

	if got := a.count("locked"); got != 2 {
		t.Errorf("Each is made of the Python packages that the first build found: want 2 builds with its lock, got %d", got)
	}

	step("Then it is built again.", "2", "sha256:ours1", true, map[string]string{
		"state": "done", "digest": "sha256:ours", "rebuilt": "sha256:ours2", "earlier": "sha256:ours1",
	})
}

// offered is the tag of the last rebuild.
func (a account) offered() string {
	a.Helper()

	tag, _, _ := strings.Cut(a.marker("comfyui", image())["rebuilt"], "@")

	return tag
}
