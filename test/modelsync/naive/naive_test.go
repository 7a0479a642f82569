// Package naive shows that the tests of model sync find what they are there for:
// built with a planted fault, the daemon fails them.
package naive_test

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestVariantsFail(t *testing.T) {
	cases := map[string]struct {
		reason string
		// cases are those of TestDirected that must fail, and say must be in what
		// one of them says: a test that fails for another reason shows nothing.
		cases []string
		say   string
	}{
		"naive_time": {
			reason: "Size and time do not tell two versions apart.",
			cases:  []string{"SameSizeSameSecond", "OlderTime"},
			say:    `"a" has other bytes`,
		},
		"naive_match": {
			reason: "Without If-Match two versions are mixed in one file.",
			cases:  []string{"ReplacedInMidDownload"},
			say:    "is not one whole version",
		},
		"naive_delete": {
			reason: "That a listing lacks a key is no proof that the object is gone.",
			cases:  []string{"BackBetweenListingAndDelete"},
			say:    "the file was deleted though its object is there",
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
				out := fails(t, program, name)
				if !bytes.Contains(out, []byte("--- FAIL: TestDirected/"+name)) {
					t.Errorf("%s %s must fail with %s, and did not:\n%s", tc.reason, name, tag, out)
				}

				if !bytes.Contains(out, []byte(tc.say)) {
					t.Errorf("%s %s fails with %s for another reason:\n%s", tc.reason, name, tag, out)
				}
			}
		})
	}
}

// fails runs one case and returns what it printed. Ending well is the failure.
func fails(t *testing.T, program, name string) []byte {
	t.Helper()

	run := exec.CommandContext(t.Context(), program, "-test.v", "-test.run", "^TestDirected$/^"+name+"$")
	// Where the test finds its module.
	run.Dir = "../history"

	out, err := run.CombinedOutput()
	if _, ok := errors.AsType[*exec.ExitError](err); !ok {
		t.Errorf("it ended with %v", err)
	}

	return out
}
