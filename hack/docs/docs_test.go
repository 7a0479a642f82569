package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const fence = "```"

// repository is a small one with one page besides the list.
func repository(t *testing.T, markdown string) string {
	t.Helper()

	root := t.TempDir()

	definition, err := os.ReadFile("../../" + definitionFile)
	if err != nil {
		t.Fatal(err)
	}

	files := map[string]string{
		definitionFile:   string(definition),
		".ci/run":        "make test\nmake demo\n",
		"README.md":      "# Top\n",
		"docs/README.md": "# Docs\n" + begin + end,
		"docs/page.md":   strings.ReplaceAll(markdown, "¬¬¬", fence),
	}

	for name, content := range files {
		file := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o750), os.WriteFile(file, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}

	return root
}

func TestRun(t *testing.T) {
	cases := map[string]struct {
		reason string
		page   string
		// want is what one of the errors says, or empty if all is well.
		want string
	}{
		"Runs":       {reason: "What a block prints is what follows.", page: "¬¬¬bash run\necho one; echo two >&2\n¬¬¬\n\n¬¬¬text\none\ntwo\n¬¬¬\n"},
		"Prints":     {reason: "And nothing else.", page: "¬¬¬bash run\necho one\n¬¬¬\n\n¬¬¬text\ntwo\n¬¬¬\n", want: "docs/page.md:2: it does not print what the page shows"},
		"More":       {reason: "Nor more of it.", page: "¬¬¬bash run\necho one; echo two\n¬¬¬\n\n¬¬¬text\none\n¬¬¬\n", want: "it does not print what the page shows"},
		"Left":       {reason: "What a page leaves out may be anything.", page: "¬¬¬bash run\nprintf 'a 1 b\\nx\\ny\\nend\\n'\n¬¬¬\n\n¬¬¬text\na … b\n…\nend\n¬¬¬\n"},
		"LeftNot":    {reason: "What it does not leave out may not.", page: "¬¬¬bash run\nprintf 'a 1 c\\nend\\n'\n¬¬¬\n\n¬¬¬text\na … b\n…\nend\n¬¬¬\n", want: "it does not print what the page shows"},
		"Between":    {reason: "Only a block that follows at once is the output.", page: "¬¬¬bash run\necho one\n¬¬¬\n\nThe file then holds:\n\n¬¬¬text\ntwo\n¬¬¬\n"},
		"Fails":      {reason: "A command that fails is a fault.", page: "¬¬¬bash run\necho why; false\n¬¬¬\n", want: "exit status 1; it printed:\nwhy"},
		"Middle":     {reason: "In the middle, too.", page: "¬¬¬bash run\nfalse\ntrue\n¬¬¬\n", want: "exit status 1"},
		"Untagged":   {reason: "Each block of commands has a tag.", page: "¬¬¬bash\nls\n¬¬¬\n", want: "docs/page.md:2: a block of commands has exactly one tag of run, covered, needs-time, needs-docker, needs-registry, needs-aws: this one has []"},
		"TagUnknown": {reason: "One that is known.", page: "¬¬¬bash needs-luck\nls\n¬¬¬\n", want: "exactly one tag"},
		"Parse":      {reason: "What is not run is parsed.", page: "¬¬¬bash needs-aws\nif true; then\n¬¬¬\n", want: "this is not bash"},
		"Shown":      {reason: "So is what a shell shows, without what it answers.", page: "¬¬¬console needs-aws\n$ kubectl get studios \\\n    -A\n) it is ready\n¬¬¬\n"},
		"ShownParse": {reason: "And found if it is none.", page: "¬¬¬console needs-aws\n$ echo \"\n¬¬¬\n", want: "this is not bash"},
		"Covered":    {reason: "CI's script runs these lines.", page: "¬¬¬bash covered\nmake test # all of them\nmake demo\n¬¬¬\n"},
		"NotCovered": {reason: "Or does not.", page: "¬¬¬bash covered\nmake lunch\n¬¬¬\n", want: `does not have the line "make lunch"`},
		"Nothing":    {reason: "A fence says what is behind it.", page: "¬¬¬\nls\n¬¬¬\n", want: "a block must say what it is"},
		"Indented":   {reason: "Spaces cannot.", page: "Do this:\n\n    ls\n", want: "a block that is only indented"},
		"Claim":      {reason: "A claim is admitted.", page: "¬¬¬yaml\napiVersion: aws.comfyui-studio.io/v1alpha1\nkind: ComfyUIStudio\nmetadata: {name: tokyo, namespace: art}\nspec: {region: ap-northeast-1}\n¬¬¬\n"},
		"Rule":       {reason: "Or refused by the API's own rules.", page: "¬¬¬yaml\nspec:\n  pools: [{name: default, maxGPUs: 1, servers: {min: 0, max: 2}}]\n¬¬¬\n", want: "must not exceed spec.pools[].maxGPUs"},
		"Field":      {reason: "A field that is not there is no field.", page: "¬¬¬yaml\nspec: {sleep: {afterIdle: 30m, never: true}}\n¬¬¬\n", want: "unknown fields spec.sleep.never"},
		"Core":       {reason: "Kubernetes' own kinds are known.", page: "¬¬¬yaml\napiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: b}\nstringDat: {c: d}\n¬¬¬\n", want: `unknown field "stringDat"`},
		"Stranger":   {reason: "What is no object says so.", page: "¬¬¬yaml\na: b\n¬¬¬\n", want: "tag it plain"},
		"Plain":      {reason: "And is parsed.", page: "¬¬¬yaml plain\na: b\na: c\n¬¬¬\n", want: `key "a" already set in map`},
		"Link":       {reason: "Links lead to files and headings.", page: "# One `two` three!\n[a](../README.md#top) [b](#one-two-three) [c](https://example.com/x)\n"},
		"LinkFile":   {reason: "That are there.", page: "See\n[a](nowhere.md).\n", want: "docs/page.md:1: the link to nowhere.md leads nowhere: there is no docs/nowhere.md"},
		"LinkHead":   {reason: "Headings, too.", page: "[a](../README.md#bottom)\n", want: "README.md has no heading #bottom"},
		"LinkOut":    {reason: "A page is read elsewhere, too.", page: "[a](../../secret)\n", want: "outside the repository"},
		"LinkPlain":  {reason: "Nobody is sent to a page that may be another's on the way.", page: "[a](http://example.com)\n", want: "neither https nor a file"},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			root := repository(t, tc.page)
			o := options{root: root, ci: ".ci/run", list: "docs/README.md", write: true}
			if err := run(t.Context(), o, &bytes.Buffer{}); err != nil {
				t.Fatal(err)
			}

			o.write = false
			err := run(t.Context(), o, &bytes.Buffer{})

			got := ""
			if err != nil {
				got = err.Error()
			}

			if (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
				t.Errorf("%s\nrun(...): want an error that says %q, got %q", tc.reason, tc.want, got)
			}
		})
	}
}

// TestList holds that the page tells what is not run, and that a page which tells
// something else is found.
func TestList(t *testing.T) {
	root := repository(t, "¬¬¬bash run\ntrue\n¬¬¬\n\n¬¬¬bash needs-aws\naws s3 ls\n¬¬¬\n\n¬¬¬bash needs-aws\naws s3 mb\n¬¬¬\n")
	o := options{root: root, ci: ".ci/run", list: "docs/README.md"}

	if err := run(t.Context(), o, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "lists other blocks than there are") {
		t.Errorf("run(...): want an error about the list, got %v", err)
	}

	o.write = true
	if err := run(t.Context(), o, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}

	got, err := os.ReadFile(filepath.Join(root, "docs/README.md"))
	if err != nil {
		t.Fatal(err)
	}

	want := "# Docs\n" + begin + `
| page | run | covered | needs-time | needs-docker | needs-registry | needs-aws |
|---|---|---|---|---|---|---|
| docs/page.md | 1 | | | | | 2 |

` + end
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("the list: -want, +got:\n%s", diff)
	}

	o.write = false
	out := &bytes.Buffer{}

	if err := run(t.Context(), o, out); err != nil {
		t.Fatal(err)
	}

	if want := "not run, needs-aws: docs/page.md:6: aws s3 ls\n"; !strings.Contains(out.String(), want) {
		t.Errorf("run(...): want it to print %q, got %q", want, out.String())
	}
}
