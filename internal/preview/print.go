package preview

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// Placeholder stands where a studio has something secret.
const Placeholder = "placeholder"

// A Rendering is resources in the order of their keys.
type Rendering []Resource

// A Resource is one of those that a studio is composed into.
type Resource struct {
	Key    string
	Object *unstructured.Unstructured
}

// Write prints a YAML stream.
func (r Rendering) Write(out io.Writer) error {
	for _, one := range r {
		b, err := yaml.Marshal(one.Object.Object)
		if err != nil {
			return fmt.Errorf("cannot print %s: %w", one.Key, err)
		}

		if _, err := fmt.Fprintf(out, "---\n%s", b); err != nil {
			return fmt.Errorf("cannot print: %w", err)
		}
	}

	return nil
}

// withoutSecrets takes out what the function drew and derived. It would be of no
// use to anybody and is not a studio's, but it looks like a secret, and who
// applied it would have a studio whose password lies in a file.
func (r Rendering) withoutSecrets() Rendering {
	var secret []string

	for _, one := range r {
		if one.Object.GetKind() != "Secret" {
			continue
		}

		data, _ := one.Object.Object["data"].(map[string]any)
		for k, v := range data {
			encoded, _ := v.(string)
			if plain, err := base64.StdEncoding.DecodeString(encoded); err == nil && len(plain) > 0 {
				secret = append(secret, string(plain), encoded)
			}

			data[k] = base64.StdEncoding.EncodeToString([]byte(Placeholder))
		}
	}

	for _, one := range r {
		replace(one.Object.Object, secret)
	}

	return r
}

// replace puts the placeholder wherever a text holds something secret.
func replace(v any, secret []string) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = replace(e, secret)
		}
	case []any:
		for i, e := range v {
			v[i] = replace(e, secret)
		}
	case string:
		for _, s := range secret {
			v = strings.ReplaceAll(v, s, Placeholder)
		}

		return v
	}

	return v
}
