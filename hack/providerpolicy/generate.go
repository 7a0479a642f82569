package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"sigs.k8s.io/yaml"
)

// maxSize is what IAM takes as a managed policy, without counting white space:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const maxSize = 6144

// bucketNames are those of the studio's own buckets.
const bucketNames = "comfyui-"

// A Table says which actions the kinds need.
type Table struct {
	Kinds       map[string][]string `json:"kinds"`
	Prefixes    map[string]string   `json:"prefixes"`
	LinkedRoles []string            `json:"linkedRoles"`
}

// A Document is a policy document.
type Document struct {
	Version   string      `json:"Version"`
	Statement []Statement `json:"Statement"`
}

// A Statement is one of it. All of them allow.
type Statement struct {
	Sid       string                         `json:"Sid"`
	Effect    string                         `json:"Effect"`
	Action    []string                       `json:"Action"`
	Resource  []string                       `json:"Resource"`
	Condition map[string]map[string][]string `json:"Condition,omitempty"`
}

// Generate returns the documents by file name.
func Generate(activation, table []byte, studios [][]byte) (map[string][]byte, error) {
	t := Table{}
	if err := yaml.UnmarshalStrict(table, &t); err != nil {
		return nil, fmt.Errorf("cannot parse the table of actions: %w", err)
	}

	actions, err := t.actions(activation)
	if err != nil {
		return nil, err
	}

	s, err := read(studios)
	if err != nil {
		return nil, err
	}

	documents := map[string]Document{
		"identities.json": identities(actions["iam"], s, t.LinkedRoles),
		"network.json":    {Statement: everywhere(actions, "ec2", "elasticloadbalancing", "autoscaling", "cloudfront", "wafv2", "acm", "route53")},
		"studio.json": {Statement: append(
			everywhere(actions, "eks", "sqs", "lambda", "logs", "ssm", "ecr", "codebuild", "events", "scheduler", "secretsmanager"),
			allow("Buckets", actions["s3"], []string{"arn:aws:s3:::" + bucketNames + "*"}, nil))},
	}

	out := map[string][]byte{}

	for name, d := range documents {
		if out[name], err = d.print(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}

	return out, nil
}

// actions are those of all activated kinds, by service.
func (t Table) actions(activation []byte) (map[string][]string, error) {
	policy := struct {
		Spec struct {
			Activate []string `json:"activate"`
		} `json:"spec"`
	}{}
	if err := yaml.Unmarshal(activation, &policy); err != nil {
		return nil, fmt.Errorf("cannot parse the activation policy: %w", err)
	}

	unused := maps.Clone(t.Kinds)
	out := map[string][]string{}

	for _, kind := range policy.Spec.Activate {
		kind, ofAWS := strings.CutSuffix(kind, ".aws.m.upbound.io")
		if !ofAWS {
			continue
		}

		if len(t.Kinds[kind]) == 0 {
			return nil, fmt.Errorf("the table of actions has nothing for %s, which studios are composed of", kind)
		}

		delete(unused, kind)

		_, group, _ := strings.Cut(kind, ".")
		if p := t.Prefixes[group]; p != "" {
			group = p
		}

		for _, action := range t.Kinds[kind] {
			service, _, named := strings.Cut(action, ":")
			if !named {
				service, action = group, group+":"+action
			}

			out[service] = append(out[service], action)
		}
	}

	if len(unused) > 0 {
		return nil, fmt.Errorf("the table of actions allows what no studio needs: %s", strings.Join(slices.Sorted(maps.Keys(unused)), ", "))
	}

	for service := range out {
		slices.Sort(out[service])
		out[service] = slices.Compact(out[service])
	}

	return out, nil
}

func allow(sid string, actions, resources []string, conditions map[string]map[string][]string) Statement {
	return Statement{Sid: sid, Effect: "Allow", Action: actions, Resource: resources, Condition: conditions}
}

// everywhere has a statement for each service. They name no resource: most of what
// they allow has no name before it is made.
func everywhere(actions map[string][]string, services ...string) []Statement {
	var out []Statement
	for _, s := range services {
		out = append(out, allow(strings.ToUpper(s[:1])+s[1:], actions[s], []string{"*"}, nil))
	}

	return out
}

// identities are narrowed to studios' own: who may write any role's policy may do
// anything.
func identities(actions []string, s *studios, linked []string) Document {
	attach := []string{"iam:AttachRolePolicy", "iam:DetachRolePolicy"}

	var roles, profiles []string

	for _, a := range actions {
		switch {
		case slices.Contains(attach, a):
		case strings.Contains(a, "InstanceProfile") && a != "iam:ListInstanceProfilesForRole":
			profiles = append(profiles, a)
		default:
			roles = append(roles, a)
		}
	}

	return Document{Statement: []Statement{
		allow("Roles", roles, s.arns("role", s.roles), nil),
		allow("ManagedPolicies", attach, s.arns("role", s.roles), map[string]map[string][]string{"ArnEquals": {"iam:PolicyARN": sorted(s.managed)}}),
		allow("PassRoles", []string{"iam:PassRole"}, s.arns("role", s.roles), map[string]map[string][]string{"StringEquals": {"iam:PassedToService": sorted(s.services)}}),
		allow("InstanceProfiles", profiles, s.arns("instance-profile", s.profiles), nil),
		allow("LinkedRoles", []string{"iam:CreateServiceLinkedRole"}, []string{"arn:aws:iam::*:role/aws-service-role/*"}, map[string]map[string][]string{"StringEquals": {"iam:AWSServiceName": linked}}),
	}}
}

func (d Document) print() ([]byte, error) {
	d.Version = "2012-10-17"

	for _, s := range d.Statement {
		if len(s.Action) == 0 || len(s.Resource) == 0 {
			return nil, fmt.Errorf("statement %s allows nothing", s.Sid)
		}
	}

	b := &bytes.Buffer{}
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")

	if err := e.Encode(d); err != nil {
		return nil, fmt.Errorf("cannot print the document: %w", err)
	}

	size := 0

	for _, r := range b.String() {
		if !unicode.IsSpace(r) {
			size++
		}
	}

	if size > maxSize {
		return nil, fmt.Errorf("the document has %d characters, and IAM takes %d: make two of it", size, maxSize)
	}

	return b.Bytes(), nil
}

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
