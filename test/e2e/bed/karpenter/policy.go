package karpenter

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A document is an IAM policy.
type document struct {
	Statement statements `json:"Statement"`
}

type statements []statement

type statement struct {
	Effect      string                          `json:"Effect"`
	Action      oneOrMany                       `json:"Action"`
	NotAction   oneOrMany                       `json:"NotAction"`
	Resource    oneOrMany                       `json:"Resource"`
	NotResource oneOrMany                       `json:"NotResource"`
	Condition   map[string]map[string]oneOrMany `json:"Condition"`
}

// oneOrMany is what IAM writes as a string or a list of them.
type oneOrMany []string

// UnmarshalJSON reads both, and booleans and numbers as their text.
func (o *oneOrMany) UnmarshalJSON(data []byte) error {
	many := []any{}
	if json.Unmarshal(data, &many) != nil {
		var one any
		if err := json.Unmarshal(data, &one); err != nil {
			return err
		}

		many = []any{one}
	}

	for _, v := range many {
		*o = append(*o, fmt.Sprint(v))
	}

	return nil
}

// UnmarshalJSON reads one statement or a list of them.
func (s *statements) UnmarshalJSON(data []byte) error {
	many := []statement{}
	if json.Unmarshal(data, &many) == nil {
		*s = many
		return nil
	}

	one := statement{}
	if err := json.Unmarshal(data, &one); err != nil {
		return err
	}

	*s = statements{one}

	return nil
}

// A request is a call that IAM decides on.
type request struct {
	action   string
	resource string
	// context holds the condition keys, in lower case: IAM does not tell cases
	// of keys apart.
	context map[string][]string
}

func (r request) with(keys map[string]string) request {
	out := request{r.action, r.resource, map[string][]string{}}
	maps.Copy(out.context, r.context)

	for k, v := range keys {
		out.context[strings.ToLower(k)] = []string{v}
	}

	return out
}

// allows evaluates identity policies: a Deny wins, and without an Allow the
// answer is no (IAM policy evaluation logic). An operator that is not known
// here is taken as not fulfilled, so that an Allow under it allows nothing.
func allows(docs []string, r request) bool {
	allowed := false

	for _, text := range docs {
		d := document{}
		if json.Unmarshal([]byte(text), &d) != nil {
			continue
		}

		for _, s := range d.Statement {
			switch {
			case !s.applies(r):
			case s.Effect == "Deny":
				return false
			default:
				allowed = true
			}
		}
	}

	return allowed
}

func (s statement) applies(r request) bool {
	matches := func(in, not oneOrMany, v string, fold bool) bool {
		if len(in) > 0 {
			return slices.ContainsFunc(in, func(p string) bool { return glob(p, v, fold) })
		}

		return len(not) > 0 && !slices.ContainsFunc(not, func(p string) bool { return glob(p, v, fold) })
	}

	if !matches(s.Action, s.NotAction, r.action, true) || !matches(s.Resource, s.NotResource, r.resource, false) {
		return false
	}

	for operator, keys := range s.Condition {
		for key, want := range keys {
			if !fulfilled(operator, want, r.context[strings.ToLower(key)]) {
				return false
			}
		}
	}

	return true
}

// fulfilled evaluates one condition on the values that a request has for its
// key.
func fulfilled(operator string, want, have []string) bool {
	all := strings.HasPrefix(operator, "ForAllValues:")
	operator = strings.TrimPrefix(strings.TrimPrefix(operator, "ForAllValues:"), "ForAnyValue:")

	if o, ok := strings.CutSuffix(operator, "IfExists"); ok {
		if len(have) == 0 {
			return true
		}

		operator = o
	}

	if operator == "Null" {
		return len(want) == 1 && (want[0] == "true") == (len(have) == 0)
	}

	if len(have) == 0 {
		return all || strings.Contains(operator, "Not")
	}

	// A negated operator holds when none of the values fits.
	positive := strings.Replace(operator, "Not", "", 1)
	fits := func(v string) bool {
		some := slices.ContainsFunc(want, func(w string) bool { return compare(positive, w, v) })
		return some == (positive == operator)
	}
	if all {
		return !slices.ContainsFunc(have, func(v string) bool { return !fits(v) })
	}

	return slices.ContainsFunc(have, fits)
}

func compare(operator, want, have string) bool {
	switch operator {
	case "StringEquals":
		return want == have
	case "StringEqualsIgnoreCase", "Bool":
		return strings.EqualFold(want, have)
	case "StringLike", "ArnLike", "ArnEquals":
		return glob(want, have, false)
	default:
		return false
	}
}

// glob matches * and ?, over everything, as IAM does.
func glob(pattern, s string, fold bool) bool {
	if fold {
		pattern, s = strings.ToLower(pattern), strings.ToLower(s)
	}

	for pattern != "" {
		switch {
		case pattern[0] == '*':
			rest := strings.TrimLeft(pattern, "*")
			for i := range len(s) + 1 {
				if glob(rest, s[i:], false) {
					return true
				}
			}

			return false
		case s == "" || pattern[0] != '?' && pattern[0] != s[0]:
			return false
		}

		pattern, s = pattern[1:], s[1:]
	}

	return s == ""
}
