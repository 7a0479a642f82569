package iam

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Markdown is the generated part of the document.
func (s *Studio) Markdown() []byte {
	b := &bytes.Buffer{}

	fmt.Fprintf(b, "## Roles\n\n| role | for | assumed by |\n|---|---|---|\n")

	for _, r := range s.Roles {
		fmt.Fprintf(b, "| [`%s`](#%s) | %s | %s |\n", r.Name, r.Name, r.Description, r.assumedBy())
	}

	for _, r := range s.Roles {
		fmt.Fprintf(b, "\n### %s\n\n%s. Assumed by %s.\n", r.Name, r.Description, r.assumedBy())

		if len(r.Managed) > 0 {
			fmt.Fprintf(b, "\nPolicies of AWS: %s.\n", code(shortened(r.Managed), ", "))
		}

		if len(r.Statements) > 0 {
			b.WriteByte('\n')
			b.Write(table(r.Statements))
		}
	}

	fmt.Fprintf(b, "\n## Policies of resources\n")

	for _, r := range s.Resources {
		fmt.Fprintf(b, "\n### %s %s\n\n%s", r.Kind, r.Name, table(r.Statements))
	}

	return b.Bytes()
}

func (r *Role) assumedBy() string {
	var out []string

	for _, t := range r.Trust {
		for _, principal := range slices.Sorted(maps.Values(t.Principal)) {
			who := "`" + principal + "`"
			if c := conditions(t.Condition); c != "" {
				who += ", " + strings.ReplaceAll(c, "<br>", ", ")
			}

			out = append(out, who)
		}
	}

	if len(r.Accounts) > 0 {
		out = append(out, "for the service account "+code(r.Accounts, ", "))
	}

	return strings.Join(out, ", ")
}

// table has a row per statement.
func table(statements []Statement) []byte {
	b := &bytes.Buffer{}

	fmt.Fprintf(b, "| | actions | resources | when |\n|---|---|---|---|\n")

	for _, s := range statements {
		effect := s.Effect
		if s.Sid != "" {
			effect += " " + s.Sid
		}

		if who := slices.Sorted(maps.Values(s.Principal)); len(who) > 0 {
			effect += "<br>" + code(who, ", ")
		}

		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", effect, code(s.Action, "<br>"), code(s.Resource, "<br>"), conditions(s.Condition))
	}

	return b.Bytes()
}

func conditions(all map[string]map[string][]string) string {
	var out []string

	for _, operator := range slices.Sorted(maps.Keys(all)) {
		for _, key := range slices.Sorted(maps.Keys(all[operator])) {
			out = append(out, fmt.Sprintf("`%s` %s %s", key, operator, code(all[operator][key], ", ")))
		}
	}

	return strings.Join(out, "<br>")
}

func code(all []string, separator string) string {
	var out []string
	for _, s := range all {
		out = append(out, "`"+s+"`")
	}

	return strings.Join(out, separator)
}

func shortened(arns []string) []string {
	var out []string
	for _, a := range arns {
		out = append(out, last(a))
	}

	return out
}
