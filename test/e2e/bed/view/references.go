package view

import (
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A mention is a name found in a reference field, not yet resolved to a kind.
type mention struct {
	field, name, kind string
}

// mentions collects the names in all reference fields of an object's spec:
// fooRef {name}, fooRefs [{name}], and the references of a provider-kubernetes
// Object.
func mentions(u *unstructured.Unstructured) []mention {
	spec, _, _ := unstructured.NestedMap(u.Object, "spec")
	seen := map[mention]bool{}
	walk(spec, func(m mention) { seen[m] = true })
	out := make([]mention, 0, len(seen))
	for m := range seen {
		out = append(out, m)
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		if a.field != b.field {
			return a.field < b.field
		}
		return a.name+a.kind < b.name+b.kind
	})
	return out
}

func walk(v any, found func(mention)) {
	switch v := v.(type) {
	case map[string]any:
		for field, inner := range v {
			if isReference(field) {
				report(field, inner, found)
				continue
			}
			walk(inner, found)
		}
	case []any:
		for _, inner := range v {
			walk(inner, found)
		}
	}
}

func report(field string, v any, found func(mention)) {
	switch v := v.(type) {
	case map[string]any:
		name, _ := v["name"].(string)
		kind, _ := v["kind"].(string)
		if name != "" {
			found(mention{field: field, name: name, kind: kind})
		}
	case []any:
		for _, inner := range v {
			report(field, inner, found)
		}
	}
}

// isReference says whether a field names a composed resource. Fields that name
// Secrets do not: a Secret often bears the name of the resource that writes it.
func isReference(field string) bool {
	if strings.Contains(field, "Secret") {
		return false
	}
	return strings.HasSuffix(field, "Ref") || strings.HasSuffix(field, "Refs") ||
		field == "dependsOn" || field == "patchesFrom"
}

// resolve finds the composed resources that mentions of names mean. Where kinds
// share a name, the kind that the field's name contains is meant (roleArnRef is
// a Role).
func resolve(from ID, ms []mention, byName map[string][]ID) []Reference {
	var out []Reference
	for _, m := range ms {
		var all, fit []ID
		for _, id := range byName[m.name] {
			if id == from || (m.kind != "" && m.kind != id.Kind) {
				continue
			}
			all = append(all, id)
			if strings.Contains(strings.ToLower(m.field), strings.ToLower(id.Kind)) {
				fit = append(fit, id)
			}
		}
		if len(all) > 1 && len(fit) > 0 {
			all = fit
		}
		for _, id := range all {
			out = append(out, Reference{Field: m.field, To: id})
		}
	}
	return out
}
