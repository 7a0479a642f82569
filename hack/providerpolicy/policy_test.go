package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	activation = "spec: {activate: [roles.iam.aws.m.upbound.io, rolepolicyattachments.iam.aws.m.upbound.io, lbs.elbv2.aws.m.upbound.io, objects.kubernetes.m.crossplane.io]}\n"
	table      = `
kinds:
  roles.iam: [CreateRole, GetRole]
  rolepolicyattachments.iam: [AttachRolePolicy, DetachRolePolicy]
  lbs.elbv2: [CreateLoadBalancer, "ec2:DescribeVpcs"]
prefixes: {elbv2: elasticloadbalancing}
linkedRoles: [eks.amazonaws.com]
`
	role = `
apiVersion: iam.aws.m.upbound.io/v1beta1
kind: Role
metadata: {name: tokyo-role, annotations: {crossplane.io/external-name: tokyo-128572-gpu-node}}
spec: {forProvider: {assumeRolePolicy: '{"Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":["sts:AssumeRole"]}]}'}}
---
apiVersion: iam.aws.m.upbound.io/v1beta1
kind: RolePolicyAttachment
metadata: {name: tokyo-attachment}
spec: {forProvider: {policyArn: arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore}}
`
)

func TestIdentities(t *testing.T) {
	s, err := read([][]byte{[]byte(role)})
	if err != nil {
		t.Fatal(err)
	}

	s.profiles["gpu-node"] = true
	got := identities([]string{"iam:AttachRolePolicy", "iam:CreateInstanceProfile", "iam:CreateRole", "iam:DetachRolePolicy", "iam:ListInstanceProfilesForRole"}, s, []string{"eks.amazonaws.com"})

	roles := []string{"arn:aws:iam::*:role/*-??????-gpu-node"}
	want := Document{Statement: []Statement{
		{Sid: "Roles", Effect: "Allow", Action: []string{"iam:CreateRole", "iam:ListInstanceProfilesForRole"}, Resource: roles},
		{Sid: "ManagedPolicies", Effect: "Allow", Action: []string{"iam:AttachRolePolicy", "iam:DetachRolePolicy"}, Resource: roles, Condition: map[string]map[string][]string{"ArnEquals": {"iam:PolicyARN": {"arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"}}}},
		{Sid: "PassRoles", Effect: "Allow", Action: []string{"iam:PassRole"}, Resource: roles, Condition: map[string]map[string][]string{"StringEquals": {"iam:PassedToService": {"ec2.amazonaws.com"}}}},
		{Sid: "InstanceProfiles", Effect: "Allow", Action: []string{"iam:CreateInstanceProfile"}, Resource: []string{"arn:aws:iam::*:instance-profile/*-??????-gpu-node"}},
		{Sid: "LinkedRoles", Effect: "Allow", Action: []string{"iam:CreateServiceLinkedRole"}, Resource: []string{"arn:aws:iam::*:role/aws-service-role/*"}, Condition: map[string]map[string][]string{"StringEquals": {"iam:AWSServiceName": {"eks.amazonaws.com"}}}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("identities(...): -want, +got:\n%s", diff)
	}
}

func TestGenerateRefuses(t *testing.T) {
	cases := map[string]struct {
		reason                     string
		activation, table, studios string
		want                       string
	}{
		"Missing":  {reason: "A kind that nobody looked at may not be made.", activation: strings.Replace(activation, "lbs.", "lbx.", 1), table: table, studios: role, want: "the table of actions has nothing for lbx.elbv2"},
		"Unused":   {reason: "What no studio needs is not allowed.", activation: strings.Replace(activation, "lbs.elbv2.aws.m.upbound.io, ", "", 1), table: table, studios: role, want: "allows what no studio needs: lbs.elbv2"},
		"Name":     {reason: "A role that others may have is not a studio's.", activation: activation, table: table, studios: strings.Replace(role, "tokyo-128572-gpu-node", "admin", 1), want: `its name in AWS, "admin", is none of a studio's`},
		"Trust":    {reason: "Who is no service is given no role.", activation: activation, table: table, studios: strings.Replace(role, `"Service":"ec2.amazonaws.com"`, `"AWS":"*"`, 1), want: "somebody may assume it who is no service"},
		"NoRoles":  {reason: "Patterns come from what is composed.", activation: activation, table: table, studios: "a: b", want: "the resources hold no roles"},
		"NoPolicy": {reason: "So do the policies of AWS.", activation: activation, table: table, studios: strings.Replace(role, "policyArn", "policyArnRef", 1), want: "it attaches no policy by its ARN"},
		"Nothing":  {reason: "A statement without actions is refused by AWS.", activation: activation, table: table, studios: role, want: "allows nothing"},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := Generate([]byte(tc.activation), []byte(tc.table), [][]byte{[]byte(tc.studios)})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s\nGenerate(...): want an error that says %q, got %v", tc.reason, tc.want, err)
			}
		})
	}
}

func TestSize(t *testing.T) {
	long := Document{Statement: []Statement{allow("Long", []string{"a:" + strings.Repeat("b", maxSize)}, []string{"*"}, nil)}}
	if _, err := long.print(); err == nil || !strings.Contains(err.Error(), "IAM takes 6144") {
		t.Errorf("print(): want an error about the size, got %v", err)
	}
}

// TestDocuments holds what is in the documentation: make generate writes it, and
// whoever changes the table or a role sees here what the provider gets.
func TestDocuments(t *testing.T) {
	files, err := filepath.Glob("../../docs/provider-policy/*.json")
	if err != nil || len(files) != 3 {
		t.Fatalf("want three documents, got %q, %v", files, err)
	}

	for _, f := range files {
		b, err := os.ReadFile(filepath.Clean(f))
		if err != nil {
			t.Fatal(err)
		}

		d := Document{}
		if err := json.Unmarshal(b, &d); err != nil {
			t.Fatalf("%s: %v", f, err)
		}

		for _, s := range d.Statement {
			for _, a := range s.Action {
				if strings.ContainsAny(a, "*?") || strings.Count(a, ":") != 1 {
					t.Errorf("%s, %s: %q is no one action", f, s.Sid, a)
				}
			}

			if slices.Contains(s.Resource, "*") && strings.HasPrefix(s.Action[0], "iam:") {
				t.Errorf("%s, %s: identities of others are in reach", f, s.Sid)
			}
		}
	}
}
