// Package workflows holds the repository's GitHub workflows to their rules: each step
// is a make target that is there, each action is pinned by the digest of a commit, no
// job may more than it says, and no text from outside reaches a shell.
package workflows

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

type workflow struct {
	Permissions map[string]string `json:"permissions"`
	Jobs        map[string]struct {
		Permissions    map[string]string `json:"permissions"`
		TimeoutMinutes int               `json:"timeout-minutes"`
		Steps          []struct {
			Uses string         `json:"uses"`
			Run  string         `json:"run"`
			With map[string]any `json:"with"`
		} `json:"steps"`
	} `json:"jobs"`
}

var (
	action = regexp.MustCompile(`^[a-z-]+/[a-z-]+@[0-9a-f]{40}$`)
	// The tag is what Renovate reads, and people.
	tagged = regexp.MustCompile(`uses: \S+@[0-9a-f]{40} # v[0-9]+\.[0-9]+\.[0-9]+\n`)
	target = regexp.MustCompile(`^make (?:-s )?([a-z0-9-]+)(?: >> "\$GITHUB_STEP_SUMMARY")?$`)
)

// faults are what is wrong with a workflow.
func faults(source, makefile string) []string {
	w := workflow{}
	if err := yaml.Unmarshal([]byte(source), &w); err != nil {
		return []string{err.Error()}
	}

	var out []string

	if diff := cmp.Diff(map[string]string{"contents": "read"}, w.Permissions); diff != "" {
		out = append(out, "a workflow may read the repository, and a job says what else it may")
	}

	steps := 0

	for name, j := range w.Jobs {
		if j.TimeoutMinutes == 0 {
			out = append(out, name+": a job that hangs costs six hours: give it timeout-minutes")
		}

		for _, s := range j.Steps {
			switch {
			case s.Uses != "":
				steps++

				if !action.MatchString(s.Uses) {
					out = append(out, fmt.Sprintf("%s: %s is not pinned by digest", name, s.Uses))
				}

				if strings.HasPrefix(s.Uses, "actions/checkout@") && s.With["persist-credentials"] != false {
					out = append(out, name+": what runs after the checkout could use its token: set persist-credentials to false")
				}
			default:
				m := target.FindStringSubmatch(s.Run)
				if m == nil {
					out = append(out, fmt.Sprintf("%s: %q is not one make target", name, s.Run))
				} else if !strings.Contains(makefile, "\n"+m[1]+":") {
					out = append(out, fmt.Sprintf("%s: there is no target %s", name, m[1]))
				}
			}
		}
	}

	if len(tagged.FindAllString(source, -1)) != steps {
		out = append(out, "an action's digest has no tag behind it, as # v1.2.3")
	}

	return out
}

func TestWorkflows(t *testing.T) {
	files, err := filepath.Glob("../../.github/workflows/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("cannot find workflows: %v", err)
	}

	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}

	for _, file := range files {
		b, err := os.ReadFile(filepath.Clean(file))
		if err != nil {
			t.Fatal(err)
		}

		for _, f := range faults(string(b), string(makefile)) {
			t.Errorf("%s: %s", filepath.Base(file), f)
		}
	}
}

// TestFaults holds that the rules find what breaks them.
func TestFaults(t *testing.T) {
	const good = `
permissions: {contents: read}
jobs:
  check:
    timeout-minutes: 10
    steps:
    - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0
      with: {persist-credentials: false}
    - run: make test
`

	cases := map[string]struct {
		reason   string
		old, new string
		want     string
	}{
		"Good":        {reason: "Rules are kept.", old: "nothing", new: "nothing"},
		"Tag":         {reason: "A tag can move.", old: "08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0", new: "v5", want: "check: actions/checkout@v5 is not pinned by digest"},
		"Unnamed":     {reason: "A digest alone tells nobody what it is.", old: " # v5.0.0", new: "", want: "has no tag behind it"},
		"Write":       {reason: "A workflow may read.", old: "contents: read", new: "contents: write", want: "a job says what else it may"},
		"Credentials": {reason: "The token is the checkout's.", old: "persist-credentials: false", new: "fetch-depth: 0", want: "persist-credentials"},
		"Shell":       {reason: "Steps can be run on any machine.", old: "make test", new: "go test ./...", want: `"go test ./..." is not one make target`},
		"Injected":    {reason: "A title is text from outside.", old: "make test", new: "make test TITLE=${{ github.event.pull_request.title }}", want: "is not one make target"},
		"Gone":        {reason: "A target that was renamed.", old: "make test", new: "make lunch", want: "there is no target lunch"},
		"Hangs":       {reason: "Nothing runs for ever.", old: "timeout-minutes: 10", new: "name: x", want: "timeout-minutes"},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(faults(strings.Replace(good, tc.old, tc.new, 1), "\ntest: build\n"), "\n")
			if (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
				t.Errorf("%s\nfaults(...): want one that says %q, got %q", tc.reason, tc.want, got)
			}
		})
	}
}
