package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	xpextv2 "github.com/crossplane/crossplane/apis/v2/apiextensions/v2"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// Fields returns the sections on spec and status: one for each object, with a
// table of its fields and what it refuses.
func Fields(definition []byte) ([]byte, error) {
	xrd := &xpextv2.CompositeResourceDefinition{}
	if err := yaml.Unmarshal(definition, xrd); err != nil {
		return nil, fmt.Errorf("cannot parse the definition: %w", err)
	}
	out := &bytes.Buffer{}
	for _, v := range xrd.Spec.Versions {
		root := extv1.JSONSchemaProps{}
		if err := json.Unmarshal(v.Schema.OpenAPIV3Schema.Raw, &root); err != nil {
			return nil, fmt.Errorf("cannot parse the schema of %s: %w", v.Name, err)
		}
		for _, name := range []string{"spec", "status"} {
			section(out, name, root.Properties[name], 2)
		}
	}
	return out.Bytes(), nil
}

// section writes an object's section and those of the objects in it.
func section(out *bytes.Buffer, path string, s extv1.JSONSchemaProps, level int) {
	fmt.Fprintf(out, "%s `%s`\n\n%s\n\n", strings.Repeat("#", level), path, flow(s.Description))
	fmt.Fprintf(out, "| field | type | default | what it is |\n|---|---|---|---|\n")
	names := order(s)
	for _, name := range names {
		p := s.Properties[name]
		fmt.Fprintf(out, "| `%s` | %s | %s | %s |\n", name, kind(path, name, p), fallback(s, name), cell(flow(p.Description)))
	}
	out.WriteString("\n")
	if rules := refusals(s, names); len(rules) > 0 {
		out.WriteString("Refused:\n\n")
		for _, r := range rules {
			fmt.Fprintf(out, "- %s\n", r)
		}
		out.WriteString("\n")
	}
	for _, name := range names {
		p := s.Properties[name]
		switch {
		case len(p.Properties) > 0:
			section(out, path+"."+name, p, min(level+1, 4))
		case p.Items != nil && len(p.Items.Schema.Properties) > 0:
			section(out, path+"."+name+"[]", *p.Items.Schema, min(level+1, 4))
		}
	}
}

// order returns an object's fields, those that must be given first.
func order(s extv1.JSONSchemaProps) []string {
	names := slices.Sorted(maps.Keys(s.Properties))
	slices.SortStableFunc(names, func(a, b string) int {
		switch ra, rb := slices.Contains(s.Required, a), slices.Contains(s.Required, b); {
		case ra && !rb:
			return -1
		case rb && !ra:
			return 1
		}
		return 0
	})
	return names
}

// kind returns a field's type in words, with a link to its section if it has one.
// Of the bounds it names those that people meet: a string's length is not one.
func kind(path, name string, s extv1.JSONSchemaProps) string {
	switch s.Type {
	case "object":
		if s.AdditionalProperties != nil {
			return "map of strings" + limit(s.MaxProperties)
		}
		return link("object", path+"."+name)
	case "array":
		items := *s.Items.Schema
		if len(items.Properties) > 0 {
			return "list of " + link("objects", path+"."+name+"[]") + limit(s.MaxItems)
		}
		if len(items.Enum) > 0 {
			return "list of " + words(items)
		}
		return "list of " + words(items) + "s" + limit(s.MaxItems)
	}
	return words(s)
}

func words(s extv1.JSONSchemaProps) string {
	if len(s.Enum) > 0 {
		values := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			values[i] = "`" + strings.Trim(string(v.Raw), `"`) + "`"
		}
		return strings.Join(values, ", ")
	}
	if s.Type == "integer" {
		if s.Minimum != nil && s.Maximum != nil {
			return fmt.Sprintf("integer, %.0f to %.0f", *s.Minimum, *s.Maximum)
		}
		return "integer"
	}
	return s.Type
}

func limit(most *int64) string {
	if most == nil {
		return ""
	}
	return fmt.Sprintf(", at most %d", *most)
}

func link(text, path string) string {
	anchor := strings.NewReplacer(".", "", "[]", "").Replace(strings.ToLower(path))
	return fmt.Sprintf("[%s](#%s)", text, anchor)
}

// fallback returns what a field is when it is left out.
func fallback(s extv1.JSONSchemaProps, name string) string {
	p := s.Properties[name]
	switch {
	case slices.Contains(s.Required, name):
		return "required"
	case p.Default == nil:
		return ""
	case len(p.Properties) > 0:
		return "its fields' own"
	}
	return cell("`" + string(p.Default.Raw) + "`")
}

// refusals returns the messages of an object's rules, and of its fields' rules.
func refusals(s extv1.JSONSchemaProps, names []string) []string {
	var out []string
	add := func(s extv1.JSONSchemaProps) {
		for _, r := range s.XValidations {
			out = append(out, strings.ReplaceAll(r.Message, "*", `\*`))
		}
	}
	add(s)
	for _, name := range names {
		p := s.Properties[name]
		// An object's own section has its rules, except the one on the field as a
		// whole, which the schema does not tell apart.
		if len(p.Properties) > 0 {
			continue
		}
		add(p)
		if p.Items != nil && len(p.Items.Schema.Properties) == 0 {
			add(*p.Items.Schema)
		}
		if p.AdditionalProperties != nil {
			add(*p.AdditionalProperties.Schema)
		}
	}
	return out
}

// flow joins the lines of a comment; its paragraphs stay apart.
func flow(s string) string {
	paragraphs := strings.Split(strings.TrimSpace(s), "\n\n")
	for i, p := range paragraphs {
		paragraphs[i] = strings.Join(strings.Fields(p), " ")
	}
	return strings.Join(paragraphs, "\n\n")
}

// cell makes text fit for a table's cell.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n\n", "<br>", "*", `\*`).Replace(s)
}
