package provider

import (
	"embed"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	kjson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// shapes hold, per kind, what status.atProvider says where neither the spec
// nor AWS does. A key that ends in [] is the pattern of each block in a list,
// one that ends in ? the pattern of a block that may be absent.
//
//go:embed shapes/*.yaml
var shapes embed.FS

// loadShapes reads the defaults of all kinds of a service.
func loadShapes(service string) map[string]cloud.Values {
	out := map[string]cloud.Values{}
	data, err := shapes.ReadFile("shapes/" + service + ".yaml")
	if err != nil {
		return out
	}
	data, err = yaml.YAMLToJSON(data)
	if err != nil {
		panic(fmt.Sprintf("shapes/%s.yaml: %v", service, err))
	}
	// This decoder keeps whole numbers whole, as the API server does.
	raw := map[string]any{}
	if err := kjson.Unmarshal(data, &raw); err != nil {
		panic(fmt.Sprintf("shapes/%s.yaml: %v", service, err))
	}
	for k, v := range raw {
		m, _ := v.(map[string]any)
		out[k] = m
	}
	return out
}

// observed is status.atProvider for what AWS knows.
func (k kind) observed(res cloud.Resource) cloud.Values {
	seen := res.Observed()
	k.strip(seen)
	for field, arg := range k.secrets {
		delete(seen, field)
		delete(seen, arg)
	}
	if !k.untagged && seen.Has("tags") {
		seen["tagsAll"] = runtime.DeepCopyJSONValue(seen["tags"])
	}
	for _, path := range k.documents {
		if doc := seen.String(path); doc != "" && !k.verbatim && !k.versionFirst {
			seen.Set(path, compact(doc))
		}
	}
	out := fill(k.defaults, seen)
	if k.shape != nil {
		k.shape(out)
	}
	return out
}

// fill returns seen with the defaults of a pattern where it has nothing.
func fill(pattern, seen cloud.Values) cloud.Values {
	out := seen.Copy()
	for name, def := range pattern {
		base := strings.TrimRight(name, "[]?")
		block, isBlock := def.(map[string]any)
		switch {
		case strings.HasSuffix(name, "[]"):
			fillList(block, out[base])
		case strings.HasSuffix(name, "?") && out[base] == nil:
			out[base] = map[string]any{}
		case isBlock:
			have, _ := out[base].(map[string]any)
			out[base] = map[string]any(fill(block, have))
		case out[base] == nil:
			out[base] = runtime.DeepCopyJSONValue(def)
		}
	}
	return out
}

func fillList(pattern cloud.Values, list any) {
	blocks, _ := list.([]any)
	for i := range blocks {
		if b, ok := blocks[i].(map[string]any); ok {
			blocks[i] = map[string]any(fill(pattern, b))
		}
	}
}

// strip removes references and selectors: they are the provider's, not AWS's.
func (k kind) strip(args cloud.Values) { stripRefs(args) }

func stripRefs(m map[string]any) {
	for name, v := range m {
		if slices.ContainsFunc([]string{"Ref", "Refs", "Selector"}, func(s string) bool { return strings.HasSuffix(name, s) }) && !strings.HasSuffix(name, "SecretRef") {
			delete(m, name)
			continue
		}
		switch b := v.(type) {
		case map[string]any:
			if name != "tags" {
				stripRefs(b)
			}
		case []any:
			for _, e := range b {
				if block, ok := e.(map[string]any); ok {
					stripRefs(block)
				}
			}
		}
	}
}

// compact is a JSON document without blanks and with its keys in order.
func compact(doc string) string {
	var v any
	if json.Unmarshal([]byte(doc), &v) != nil {
		return doc
	}
	b := &strings.Builder{}
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return doc
	}
	return strings.TrimSpace(b.String())
}

// versionFirst is how Terraform sends a role's inline policy.
func versionFirst(doc string) string {
	p := map[string]any{}
	if json.Unmarshal([]byte(doc), &p) != nil || p["Version"] == nil {
		return doc
	}
	version := compact(`{"Version":"` + fmt.Sprint(p["Version"]) + `"}`)
	delete(p, "Version")
	rest, err := json.Marshal(p)
	if err != nil {
		return doc
	}
	return strings.TrimSuffix(version, "}") + "," + strings.TrimPrefix(compact(string(rest)), "{")
}

// lateInitialize copies what the spec lacks from what AWS answered. What is
// zero in AWS stays out of the spec.
func lateInitialize(k kind, spec, answer cloud.Values) bool {
	changed := false
	for _, path := range k.late {
		v := answer.Get(path)
		if v == nil || reflect.ValueOf(v).IsZero() || spec.Has(path) {
			continue
		}
		if s, isString := v.(string); isString && slices.Contains(k.documents, path) {
			v = compact(s)
		}
		spec.Set(path, withoutZeros(runtime.DeepCopyJSONValue(v)))
		changed = true
	}
	return changed
}

// withoutZeros drops zero fields of blocks, unless a block has no others.
func withoutZeros(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = withoutZeros(v[i])
		}
	case map[string]any:
		out := map[string]any{}
		for name, e := range v {
			if e != nil && !reflect.ValueOf(e).IsZero() {
				out[name] = withoutZeros(e)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return v
}
