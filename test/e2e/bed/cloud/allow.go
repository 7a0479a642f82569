package cloud

import (
	"encoding/json"
	"strings"
)

// allows tells whether a role's policies let it do something. It knows actions
// and resources with their wildcards; what a condition demands counts as given,
// since the double plays no callers who could fail it.
func (t *tx) allows(role *record, action, resource string) bool {
	if role == nil {
		return false
	}
	allowed := false
	for _, doc := range t.policiesOf(role) {
		switch decide(doc, action, resource) {
		case "Deny":
			return false
		case "Allow":
			allowed = true
		}
	}
	return allowed
}

// policiesOf are the documents of a role that the account holds. What AWS's own
// policies allow is not known here.
func (t *tx) policiesOf(role *record) []string {
	out := []string{}
	for p := range t.each(kindRolePolicy) {
		if p.args.String("role") == role.id {
			out = append(out, p.args.String("policy"))
		}
	}
	for a := range t.each(kindAttachment) {
		if p := t.policyByARN(a.args.String("policyArn")); p != nil && a.args.String("role") == role.id {
			out = append(out, p.args.String("policy"))
		}
	}
	return out
}

// decide is what a document says of an action: a refusal wins.
func decide(doc, action, resource string) string {
	p := struct {
		Statement []map[string]any `json:"Statement"`
	}{}
	if json.Unmarshal([]byte(doc), &p) != nil {
		return ""
	}
	out := ""
	for _, s := range p.Statement {
		actions, _ := oneOrMany(s["Action"])
		resources, _ := oneOrMany(s["Resource"])
		if !anyLike(actions, strings.ToLower(action), true) || !anyLike(resources, resource, false) {
			continue
		}
		effect, _ := s["Effect"].(string)
		if effect == "Deny" {
			return effect
		}
		out = effect
	}
	return out
}

func anyLike(patterns []string, s string, lower bool) bool {
	for _, p := range patterns {
		if lower {
			p = strings.ToLower(p)
		}
		if like(p, s) {
			return true
		}
	}
	return false
}

// like matches as policies do: * is any text, ? one character.
func like(pattern, s string) bool {
	for pattern != "" {
		switch {
		case pattern[0] == '*':
			for i := range len(s) + 1 {
				if like(pattern[1:], s[i:]) {
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
