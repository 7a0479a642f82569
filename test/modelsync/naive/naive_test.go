// Package naive shows that the tests of model sync find what they are there for:
// built with a planted fault, the daemon fails them, those that chance makes as well
// as those that were thought of.
package naive_test

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// The longest that chance is given to find a fault, in histories and in time. It
// takes a hundred or two at most, most of the time.
var (
	histories = []string{"-test.run", "^TestHistory$", "-rapid.checks=4000", "-rapid.steps=40", "-lasts=8m"}
	// What is found is not made smaller: it is wanted, and nobody mends it.
	asFound = []string{"-rapid.shrinktime=1ms", "-rapid.nofailfile"}
)

func TestVariantsFail(t *testing.T) {
	cases := map[string]struct {
		reason string
		// cases are those of TestDirected that must fail, and say must be in what
		// one of them says: a test that fails for another reason shows nothing.
		cases []string
		say   string
		// chance is what a random history says that fails.
		chance string
	}{
		"naive_time": {
			reason: "Size and time do not tell two versions apart.",
			cases:  []string{"SameSizeSameSecond", "OlderTime"},
			say:    `"a" has other bytes`,
			chance: `has other bytes behind \d+`,
		},
		"naive_match": {
			reason: "Without If-Match two versions are mixed in one file.",
			cases:  []string{"ReplacedInMidDownload"},
			say:    "is not one whole version",
			// The rest of one may be another version's, or missing.
			chance: `is not one whole version|has \d+ bytes that begin as seed \d+, and no version does|has other bytes behind \d+`,
		},
		"naive_delete": {
			reason: "That a listing lacks a key is no proof that the object is gone.",
			cases:  []string{"BackBetweenListingAndDelete"},
			say:    "deleted though its object is there",
			chance: `is deleted though its object is there, and was there when the listing came`,
		},
	}

	for tag, tc := range cases {
		t.Run(tag, func(t *testing.T) {
			program := filepath.Join(t.TempDir(), "history.test")

			build := exec.CommandContext(t.Context(), "go", "test", "-c", "-tags", tag, "-o", program, "../history")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("cannot build the variant: %v\n%s", err, out)
			}

			for _, name := range tc.cases {
				out := fails(t, program, "-test.run", "^TestDirected$/^"+name+"$")
				if !bytes.Contains(out, []byte("--- FAIL: TestDirected/"+name)) {
					t.Errorf("%s %s must fail with %s, and did not:\n%s", tc.reason, name, tag, out)
				}

				if !bytes.Contains(out, []byte(tc.say)) {
					t.Errorf("%s %s fails with %s for another reason:\n%s", tc.reason, name, tag, out)
				}
			}

			out := fails(t, program, append(histories, asFound...)...)
			if found := regexp.MustCompile(tc.chance).Find(out); found == nil {
				t.Errorf("%s No history finds that:\n%s", tc.reason, out)
			} else {
				t.Logf("%s Chance finds it, too: %s", regexp.MustCompile(`-rapid.seed=\d+`).Find(out), found)
			}
		})
	}
}

// fails runs tests and returns what they printed. Ending well is the failure.
func fails(t *testing.T, program string, tests ...string) []byte {
	t.Helper()

	run := exec.CommandContext(t.Context(), program, append([]string{"-test.v"}, tests...)...)
	// Where the test finds its module.
	run.Dir = "../history"

	out, err := run.CombinedOutput()
	if _, ok := errors.AsType[*exec.ExitError](err); !ok {
		t.Errorf("it ended with %v", err)
	}

	return out
}
