package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestTroubleshooting holds docs/troubleshooting.md to every condition and every
// reason that the function can set, and to every page that a message sends people
// to.
func TestTroubleshooting(t *testing.T) {
	b, err := os.ReadFile("../../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}

	page := string(b)
	conditions := constants(t, "ConditionType")
	reasons := constants(t, "ConditionReason")

	if len(conditions) == 0 || len(reasons) == 0 {
		t.Fatalf("cannot find the API's conditions: %d types, %d reasons", len(conditions), len(reasons))
	}

	for _, c := range conditions {
		if !strings.Contains(page, "\n## "+c+"\n") {
			t.Errorf("docs/troubleshooting.md has no section %s", c)
		}
	}

	for _, r := range reasons {
		if !strings.Contains(page, "\n| `"+r+"` | ") {
			t.Errorf("docs/troubleshooting.md has no row for the reason %s", r)
		}
	}

	runbooks, err := os.ReadDir("../../docs/runbooks")
	if err != nil {
		t.Fatal(err)
	}

	for _, r := range runbooks {
		if !strings.Contains(page, "(runbooks/"+r.Name()) {
			t.Errorf("docs/troubleshooting.md sends nobody to docs/runbooks/%s", r.Name())
		}
	}
}

// constants are the values of the API's constants of a type.
func constants(t *testing.T, name string) []string {
	t.Helper()

	f, err := parser.ParseFile(token.NewFileSet(), "../../apis/v1alpha1/conditions.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}

	var out []string

	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}

		if id, ok := spec.Type.(*ast.Ident); !ok || id.Name != name {
			return true
		}

		if v, ok := spec.Values[0].(*ast.BasicLit); ok {
			s, err := strconv.Unquote(v.Value)
			if err != nil {
				t.Fatal(err)
			}

			out = append(out, s)
		}

		return true
	})

	return out
}
