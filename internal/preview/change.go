package preview

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/apis/admission"
)

// Allowed refuses, in the API server's words, a change of a claim that it would
// refuse.
func Allowed(definition []byte, claim, old *unstructured.Unstructured) error {
	adm, err := admission.New(definition)
	if err != nil {
		return fmt.Errorf("cannot use the claim's definition: %w", err)
	}

	if errs := adm.Update(claim, old); len(errs) > 0 {
		return apierrors.NewInvalid(claim.GroupVersionKind().GroupKind(), claim.GetName(), errs)
	}

	return nil
}

// A Change is a resource that another claim makes, unmakes or changes.
type Change struct {
	Key  string `json:"key"`
	Kind string `json:"kind"`
	// Verb is add, remove or change.
	Verb string `json:"verb"`
	// Fields are those that change, by their paths.
	Fields []Field `json:"fields,omitempty"`
}

// A Field is a value that changes.
type Field struct {
	Path string `json:"path"`
	Old  any    `json:"old,omitempty"`
	New  any    `json:"new,omitempty"`
}

// Compare lists what changes from one rendering to another, in the order of keys.
func Compare(old, next Rendering) []Change {
	before, after := byKey(old), byKey(next)

	keys := map[string]bool{}
	for _, r := range slices.Concat(old, next) {
		keys[r.Key] = true
	}

	var out []Change

	for _, k := range slices.Sorted(maps.Keys(keys)) {
		a, b := before[k], after[k]

		switch {
		case a == nil:
			out = append(out, Change{Key: k, Kind: b.GetKind(), Verb: "add"})
		case b == nil:
			out = append(out, Change{Key: k, Kind: a.GetKind(), Verb: "remove"})
		default:
			if fields := differences("", a.Object, b.Object); len(fields) > 0 {
				out = append(out, Change{Key: k, Kind: b.GetKind(), Verb: "change", Fields: fields})
			}
		}
	}

	return out
}

func byKey(r Rendering) map[string]*unstructured.Unstructured {
	out := map[string]*unstructured.Unstructured{}
	for _, one := range r {
		out[one.Key] = one.Object
	}

	return out
}

// differences are the fields of two values that differ, lists as a whole.
func differences(path string, a, b any) []Field {
	x, isMap := a.(map[string]any)
	y, areMaps := b.(map[string]any)

	if !isMap || !areMaps {
		if equality.Semantic.DeepEqual(a, b) {
			return nil
		}

		return []Field{{Path: path, Old: a, New: b}}
	}

	keys := maps.Clone(x)
	maps.Copy(keys, y)

	var out []Field

	for _, k := range slices.Sorted(maps.Keys(keys)) {
		below := k
		if path != "" {
			below = path + "." + k
		}

		out = append(out, differences(below, x[k], y[k])...)
	}

	return out
}
