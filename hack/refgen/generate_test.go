package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReferenceIsUpToDate(t *testing.T) {
	doc := read(t, "../../docs/reference/comfyuistudio.md")
	want, err := Generate(read(t, "../../apis/comfyuistudios/definition.yaml"), read(t, "../../apis/v1alpha1/conditions.go"), doc)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(doc)); diff != "" {
		t.Errorf("The reference is not what the Go types say: run make generate.\n-want, +got:\n%s", diff)
	}
}

// TestLinks follows the links within the reference.
func TestLinks(t *testing.T) {
	doc := string(read(t, "../../docs/reference/comfyuistudio.md"))
	anchors := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(doc, -1) {
		anchor := strings.ToLower(m[1])
		anchor = regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(anchor, "")
		anchors[strings.ReplaceAll(anchor, " ", "-")] = true
	}
	links := regexp.MustCompile(`\]\(#([^)]*)\)`).FindAllStringSubmatch(doc, -1)
	if len(links) < 20 {
		t.Fatalf("want a link for each object, found %d links", len(links))
	}
	for _, m := range links {
		if !anchors[m[1]] {
			t.Errorf("#%s leads nowhere", m[1])
		}
	}
}

func TestGenerate(t *testing.T) {
	definition := []byte(`
spec:
  versions:
  - name: v1
    schema:
      openAPIV3Schema:
        properties:
          spec:
            description: |-
              What it
              shall be.
            required: [size]
            properties:
              colour: {type: string, enum: [red, blue], default: red, description: A | B.}
              size: {type: integer, minimum: 1, maximum: 9, description: "How big.\n\nVery."}
              parts:
                type: array
                maxItems: 3
                description: Its parts.
                items:
                  description: A part.
                  properties: {name: {type: string, maxLength: 5, description: Its name.}}
                  x-kubernetes-validations: [{rule: "true", message: "spec.parts[] is wrong: mend it"}]
          status: {description: What it is.}
`)
	conditions := []byte(`package x
const (
	// A: all is
	// well.
	A ConditionType = "Alpha"
)
const (
	// B: nothing is. Status False.
	B ConditionReason = "Beta"
)
`)
	doc := "# By hand\n" + begin + "old\n" + end + "More by hand.\n"
	want := "# By hand\n" + begin + `
## ` + "`spec`" + `

What it shall be.

| field | type | default | what it is |
|---|---|---|---|
| ` + "`size`" + ` | integer, 1 to 9 | required | How big.<br>Very. |
| ` + "`colour`" + ` | ` + "`red`, `blue`" + ` | ` + "`\"red\"`" + ` | A \| B. |
| ` + "`parts`" + ` | list of [objects](#specparts), at most 3 |  | Its parts. |

### ` + "`spec.parts[]`" + `

A part.

| field | type | default | what it is |
|---|---|---|---|
| ` + "`name`" + ` | string |  | Its name. |

Refused:

- spec.parts[] is wrong: mend it

## ` + "`status`" + `

What it is.

| field | type | default | what it is |
|---|---|---|---|

## Conditions

| type | it is True when |
|---|---|
| ` + "`Alpha`" + ` | all is well. |

| reason | what it says |
|---|---|
| ` + "`Beta`" + ` | nothing is. Status False. |

` + end + "More by hand.\n"

	got, err := Generate(definition, conditions, []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("Only the part between the marks is written.\nGenerate(...): -want, +got:\n%s", diff)
	}
	again, err := Generate(definition, conditions, got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(got), string(again)); diff != "" {
		t.Errorf("A second run changes nothing.\nGenerate(...): -want, +got:\n%s", diff)
	}

	if _, err := Generate(definition, conditions, []byte("# By hand\n")); err == nil {
		t.Error("A document with no marks is refused, not overwritten.")
	}
	if _, err := Generate(definition, []byte("package x\nconst (\n// Wrong.\nA ConditionType = \"Alpha\"\n)\n"), []byte(doc)); err == nil {
		t.Error("A condition whose comment says something else is refused.")
	}
}
