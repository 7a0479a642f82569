package provider

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// A difference is an argument that AWS holds otherwise than the spec says.
type difference struct {
	path       string
	have, want string
}

// differences are the arguments of the spec that AWS holds otherwise.
// Arguments the spec does not give are Terraform's computed ones: no matter.
func (k kind) differences(want, have cloud.Values) []difference {
	out := []difference{}
	k.compare("", map[string]any(want), map[string]any(have), &out)
	return out
}

func (k kind) compare(path string, want, have any, out *[]difference) {
	if slices.Contains(k.unread, path) || path == "region" {
		return
	}
	switch w := want.(type) {
	case map[string]any:
		h, _ := have.(map[string]any)
		for _, name := range sortedKeys(w) {
			k.compare(join(path, name), w[name], h[name], out)
		}
		if path == "tags" && len(h) > len(w) {
			*out = append(*out, difference{path, fmt.Sprint(h), fmt.Sprint(w)})
		}
	case []any:
		h, _ := have.([]any)
		if len(w) != len(h) {
			*out = append(*out, difference{path, fmt.Sprint(h), fmt.Sprint(w)})
			return
		}
		if scalars(w) {
			w, h = sorted(w), sorted(h)
		}
		for i := range w {
			k.compare(path, w[i], h[i], out)
		}
	default:
		if !k.same(path, want, have) {
			*out = append(*out, difference{path, fmt.Sprint(have), fmt.Sprint(want)})
		}
	}
}

func (k kind) same(path string, want, have any) bool {
	if reflect.DeepEqual(want, have) || fmt.Sprint(want) == fmt.Sprint(have) {
		return true
	}
	// Terraform does not tell a zero from nothing.
	if have == nil && reflect.ValueOf(want).IsZero() {
		return true
	}
	w, a := want.(string)
	h, b := have.(string)
	return a && b && slices.Contains(k.documents, path) && compact(w) == compact(h)
}

// replaces tells whether Terraform would replace the resource for a change.
func (k kind) replaces(path string) bool {
	return slices.ContainsFunc(k.fixed, func(f string) bool {
		return path == f || strings.HasPrefix(path, f+".")
	})
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func sortedKeys(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func scalars(l []any) bool {
	return !slices.ContainsFunc(l, func(e any) bool {
		switch e.(type) {
		case map[string]any, []any:
			return true
		}
		return false
	})
}

func sorted(l []any) []any {
	out := slices.Clone(l)
	slices.SortFunc(out, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return out
}
