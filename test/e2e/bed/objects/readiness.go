package objects

import (
	"fmt"
	"reflect"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// readiness is the Object's Ready condition, by its policy.
func (r *run) readiness(live map[string]any) condition {
	policy, _, _ := unstructured.NestedString(r.u.Object, "spec", "readiness", "policy")

	switch policy {
	case "DeriveFromObject":
		return verdict(hasTrue(live, typeReady), nil)
	case "AllTrue":
		return verdict(allTrue(live), nil)
	case "DeriveFromCelQuery":
		query, _, _ := unstructured.NestedString(r.u.Object, "spec", "readiness", "celQuery")
		return verdict(evaluate(query, live))
	default: // SuccessfulCreate
		return ready(true, "Available")
	}
}

func verdict(ok bool, err error) condition {
	switch {
	case err != nil:
		return condition{kind: typeReady, reason: "Unavailable", message: err.Error()}
	case !ok:
		return ready(false, "Unavailable")
	default:
		return ready(true, "Available")
	}
}

func conditionsOf(live map[string]any) []map[string]any {
	out := []map[string]any{}

	all, _, _ := unstructured.NestedSlice(live, "status", "conditions")
	for _, e := range all {
		if c, ok := e.(map[string]any); ok {
			out = append(out, c)
		}
	}

	return out
}

func hasTrue(live map[string]any, conditionType string) bool {
	for _, c := range conditionsOf(live) {
		if c["type"] == conditionType {
			return c["status"] == statusTrue
		}
	}

	return false
}

func allTrue(live map[string]any) bool {
	all := conditionsOf(live)
	for _, c := range all {
		if c["status"] != statusTrue {
			return false
		}
	}

	return len(all) > 0
}

// evaluate runs a CEL query as provider-kubernetes does: the object is of any
// type, so a field that is not there is an error when it is used.
func evaluate(query string, live map[string]any) (bool, error) {
	env, err := cel.NewEnv(cel.Variable("object", cel.AnyType))
	if err != nil {
		return false, fmt.Errorf("cel query failed to create environment: %w", err)
	}

	ast, issues := env.Compile(query)
	if issues.Err() != nil {
		return false, fmt.Errorf("failed to compile query: %w", issues.Err())
	}

	// The real one wraps a nil error here: a query like object.status.ready,
	// whose type nobody knows beforehand, is never true and says nothing.
	if !reflect.DeepEqual(ast.OutputType(), cel.BoolType) {
		return false, nil
	}

	program, err := env.Program(ast)
	if err != nil {
		return false, fmt.Errorf("failed to create program from the cel query: %w", err)
	}

	out, _, err := program.Eval(map[string]any{"object": live})
	if err != nil {
		return false, fmt.Errorf("failed to eval the program: %w", err)
	}

	return out == types.True, nil
}
