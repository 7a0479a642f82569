package cloud

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// A policyType is where a policy document is used.
type policyType int

const (
	// identityPolicy is attached to a role: it names resources, nobody.
	identityPolicy policyType = iota
	// trustPolicy says who may assume a role: it names principals only.
	trustPolicy
	// resourcePolicy is a bucket's, queue's or endpoint's: it names both.
	resourcePolicy
)

// Size limits of IAM, without white space ("IAM and AWS STS quotas").
const (
	maxTrustPolicy   = 2048
	maxManagedPolicy = 6144
	maxInlinePolicy  = 10240
	maxBucketPolicy  = 20 << 10
)

var (
	policyKeys    = []string{"Version", "Id", "Statement"}
	statementKeys = []string{"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
	action        = regexp.MustCompile(`^(\*|[a-z0-9-]+:[A-Za-z0-9*?]+)$`)
	sid           = regexp.MustCompile(`^[A-Za-z0-9]*$`)
)

// checkPolicy refuses a document that is not a valid policy of its type.
func checkPolicy(doc string, as policyType) error {
	p := map[string]any{}
	if err := json.Unmarshal([]byte(doc), &p); err != nil {
		return malformed("This policy contains invalid Json")
	}
	for k := range p {
		if !slices.Contains(policyKeys, k) {
			return malformed("Syntax errors in policy: unknown element " + k)
		}
	}
	if v, _ := p["Version"].(string); v != "2012-10-17" && v != "2008-10-17" {
		return malformed("The policy must contain a valid version string")
	}
	statements, ok := p["Statement"].([]any)
	if one, single := p["Statement"].(map[string]any); single {
		statements, ok = []any{one}, true
	}
	if !ok || len(statements) == 0 {
		return malformed("Syntax errors in policy: a policy needs at least one Statement")
	}
	sids := map[string]bool{}
	for _, s := range statements {
		m, ok := s.(map[string]any)
		if !ok {
			return malformed("Syntax errors in policy: a Statement is no object")
		}
		if err := checkStatement(m, as); err != nil {
			return err
		}
		if id, _ := m["Sid"].(string); id != "" {
			if sids[id] {
				return malformed("Statement IDs (SID) in a single policy must be unique.")
			}
			sids[id] = true
		}
	}
	return nil
}

func malformed(message string) error {
	return &Refusal{Code: "MalformedPolicyDocument", Message: message}
}

func checkStatement(s map[string]any, as policyType) error {
	for k := range s {
		if !slices.Contains(statementKeys, k) {
			return malformed("Syntax errors in policy: unknown element " + k)
		}
	}
	if id, ok := s["Sid"]; ok && as == identityPolicy {
		if str, isString := id.(string); !isString || !sid.MatchString(str) {
			return malformed("Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*")
		}
	}
	if s["Effect"] != "Allow" && s["Effect"] != "Deny" {
		return malformed("Invalid effect: " + text(s["Effect"]))
	}
	if err := checkActions(s, as); err != nil {
		return err
	}
	if err := checkPrincipal(s, as); err != nil {
		return err
	}
	if err := checkResources(s, as); err != nil {
		return err
	}
	return checkCondition(s)
}

// checkCondition wants a map of operators, each with a map of keys.
func checkCondition(s map[string]any) error {
	c, ok := s["Condition"]
	if !ok {
		return nil
	}
	operators, isMap := c.(map[string]any)
	for _, o := range operators {
		if _, isMap = o.(map[string]any); !isMap {
			break
		}
	}
	if !isMap {
		return malformed("Syntax errors in policy: Condition is no map of operators")
	}
	return nil
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// oneOrMany reads what policies allow as a string or a list of strings.
func oneOrMany(v any) ([]string, bool) {
	switch l := v.(type) {
	case string:
		return []string{l}, true
	case []any:
		out := []string{}
		for _, e := range l {
			s, ok := e.(string)
			if !ok {
				return nil, false
			}
			out = append(out, s)
		}
		return out, len(out) > 0
	}
	return nil, false
}

func checkActions(s map[string]any, as policyType) error {
	_, not := s["NotAction"]
	actions, ok := oneOrMany(s["Action"])
	if not {
		actions, ok = oneOrMany(s["NotAction"])
	}
	if !ok {
		return malformed("Policy statement must contain actions.")
	}
	for _, a := range actions {
		if !action.MatchString(a) {
			return malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.: " + a)
		}
		if as == trustPolicy && !strings.HasPrefix(a, "sts:") {
			return malformed("AssumeRole policy may only specify STS AssumeRole actions.")
		}
	}
	return nil
}

var principalTypes = []string{"AWS", "Service", "Federated", "CanonicalUser"}

func checkPrincipal(s map[string]any, as policyType) error {
	p, has := s["Principal"]
	if !has {
		p, has = s["NotPrincipal"]
	}
	if as == identityPolicy {
		if has {
			return malformed("Policy document should not specify a principal.")
		}
		return nil
	}
	if !has {
		return malformed("Missing required field Principal")
	}
	if p == "*" {
		return nil
	}
	m, ok := p.(map[string]any)
	if !ok || len(m) == 0 {
		return malformed("Invalid principal in policy: " + text(p))
	}
	for k, v := range m {
		if _, ok := oneOrMany(v); !ok || !slices.Contains(principalTypes, k) {
			return malformed("Invalid principal in policy: " + text(p))
		}
	}
	return nil
}

func checkResources(s map[string]any, as policyType) error {
	r, has := s["Resource"]
	if !has {
		r, has = s["NotResource"]
	}
	if as == trustPolicy {
		if has {
			return malformed("Has prohibited field Resource")
		}
		return nil
	}
	resources, ok := oneOrMany(r)
	if !ok {
		return malformed("Policy statement must contain resources.")
	}
	for _, arn := range resources {
		if arn != "*" && (!strings.HasPrefix(arn, "arn:") || strings.Count(arn, ":") < 5) {
			return malformed("Resource " + arn + " must be in ARN format or \"*\".")
		}
	}
	return nil
}

// size is a document's length as IAM counts it.
func size(doc string) int {
	return len(strings.Join(strings.Fields(doc), ""))
}

// resourcesOf are all resources that a valid policy names.
func resourcesOf(doc string) []string {
	p := struct {
		Statement json.RawMessage `json:"Statement"`
	}{}
	if json.Unmarshal([]byte(doc), &p) != nil {
		return nil
	}
	many := []map[string]any{}
	if json.Unmarshal(p.Statement, &many) != nil {
		one := map[string]any{}
		if json.Unmarshal(p.Statement, &one) != nil {
			return nil
		}
		many = append(many, one)
	}
	out := []string{}
	for _, s := range many {
		r, _ := oneOrMany(s["Resource"])
		out = append(out, r...)
	}
	return out
}

// public tells whether a valid policy allows something to everybody, without
// a condition.
func public(doc string) bool {
	p := struct {
		Statement []map[string]any `json:"Statement"`
	}{}
	if json.Unmarshal([]byte(doc), &p) != nil {
		return false
	}
	return slices.ContainsFunc(p.Statement, func(s map[string]any) bool {
		who := s["Principal"]
		if m, ok := who.(map[string]any); ok {
			who = m["AWS"]
		}
		_, conditioned := s["Condition"]
		return s["Effect"] == "Allow" && who == "*" && !conditioned
	})
}
