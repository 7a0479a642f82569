package cloud

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
)

// Values are arguments or attributes of a resource, spelled as in the CRDs.
type Values map[string]any

// Get returns the value at a dotted path, nil when there is none.
func (v Values) Get(path string) any {
	var cur any = map[string]any(v)
	for part := range strings.SplitSeq(path, ".") {
		m, ok := cur.(map[string]any)
		if !ok {
			return nil
		}
		cur = m[part]
	}
	return cur
}

// Has tells whether there is a value at the path.
func (v Values) Has(path string) bool { return v.Get(path) != nil }

// String returns the string at the path, empty when there is none.
func (v Values) String(path string) string {
	s, _ := v.Get(path).(string)
	return s
}

// Bool returns the boolean at the path, false when there is none.
func (v Values) Bool(path string) bool {
	b, _ := v.Get(path).(bool)
	return b
}

// Int returns the number at the path, zero when there is none.
func (v Values) Int(path string) int64 {
	switch n := v.Get(path).(type) {
	case int64:
		return n
	case float64:
		return int64(n)
	}
	return 0
}

// Strings returns the strings in the list at the path.
func (v Values) Strings(path string) []string {
	l, _ := v.Get(path).([]any)
	out := make([]string, 0, len(l))
	for _, e := range l {
		if s, ok := e.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// List returns the blocks in the list at the path; a single block counts as a
// list of one, since the namespaced CRDs embed what Terraform keeps in lists.
func (v Values) List(path string) []Values {
	switch l := v.Get(path).(type) {
	case map[string]any:
		return []Values{l}
	case []any:
		out := make([]Values, 0, len(l))
		for _, e := range l {
			if m, ok := e.(map[string]any); ok {
				out = append(out, m)
			}
		}
		return out
	}
	return nil
}

// Set puts a value at a dotted path and makes the blocks on the way to it.
func (v Values) Set(path string, value any) {
	cur := map[string]any(v)
	parts := strings.Split(path, ".")
	for _, part := range parts[:len(parts)-1] {
		next, ok := cur[part].(map[string]any)
		if !ok {
			next = map[string]any{}
			cur[part] = next
		}
		cur = next
	}
	cur[parts[len(parts)-1]] = value
}

// Copy returns a deep copy.
func (v Values) Copy() Values {
	if v == nil {
		return Values{}
	}
	return runtime.DeepCopyJSON(v)
}

// Overlay returns v with the values of o over it, block by block.
func (v Values) Overlay(o Values) Values {
	out := v.Copy()
	for k, val := range o {
		if over, ok := val.(map[string]any); ok {
			if under, ok := out[k].(map[string]any); ok {
				out[k] = map[string]any(Values(under).Overlay(over))
				continue
			}
		}
		out[k] = runtime.DeepCopyJSONValue(val)
	}
	return out
}

// anyList turns strings into what unstructured objects hold.
func anyList(s []string) []any {
	out := make([]any, 0, len(s))
	for _, e := range s {
		out = append(out, e)
	}
	return out
}

// mentions tells whether the value at the path is s or a list with s in it.
// A path may cross lists of blocks.
func (v Values) mentions(path, s string) bool {
	head, rest, nested := strings.Cut(path, ".")
	if !nested {
		return v.String(head) == s || slices.Contains(v.Strings(head), s)
	}
	for _, b := range v.List(head) {
		if b.mentions(rest, s) {
			return true
		}
	}
	return false
}
