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
		if doc := seen.String(path); doc != "" {
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
		switch base, kind := strings.TrimRight(name, "[]?"), name[len(strings.TrimRight(name, "[]?")):]; kind {
		case "[]":
			blocks, ok := out[base].([]any)
			m, _ := def.(map[string]any)
			for i := range blocks {
				if b, isMap := blocks[i].(map[string]any); ok && isMap {
					blocks[i] = map[string]any(fill(m, b))
				}
			}
		case "?":
			b, ok := out[base].(map[string]any)
			m, _ := def.(map[string]any)
			if !ok {
				out[base] = map[string]any{}
				continue
			}
			out[base] = map[string]any(fill(m, b))
		default:
			m, isMap := def.(map[string]any)
			b, has := out[base].(map[string]any)
			if isMap && has {
				out[base] = map[string]any(fill(m, b))
				continue
			}
			if out[base] == nil && isMap {
				out[base] = map[string]any(fill(m, cloud.Values{}))
				continue
			}
			if out[base] == nil {
				out[base] = runtime.DeepCopyJSONValue(def)
			}
		}
	}
	return out
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
	if enc.Encode(v) != nil {
		return doc
	}
	return strings.TrimSpace(b.String())
}

// lateInitialize copies what the spec lacks from what was seen.
func lateInitialize(k kind, spec, seen cloud.Values) bool {
	changed := false
	for _, path := range k.late {
		if v := seen.Get(path); v != nil && !reflect.ValueOf(v).IsZero() && !spec.Has(path) {
			spec.Set(path, runtime.DeepCopyJSONValue(v))
			changed = true
		}
	}
	return changed
}
