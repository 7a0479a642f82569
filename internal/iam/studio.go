// Package iam reads who may do what in a studio out of the resources that it is
// composed into.
package iam

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// version is the one policy language version that a studio uses.
const version = "2012-10-17"

// A Studio is who may do what in it.
type Studio struct {
	Roles []*Role
	// Resources are those with a policy of their own.
	Resources []Resource

	byName map[string]*Role
}

// A Role is an IAM role.
type Role struct {
	// Name is the role's in AWS, Description its.
	Name, Description string
	// Trust is who may assume it.
	Trust []Statement
	// Accounts are the service accounts that have it by Pod Identity.
	Accounts []string
	// Managed are policies of AWS.
	Managed []string
	// Statements are the role's own.
	Statements []Statement
}

// A Resource is a bucket or a queue with a policy.
type Resource struct {
	Kind, Name string
	Statements []Statement
}

// A Statement is one of a policy document.
type Statement struct {
	Sid       string                         `json:"Sid"`
	Effect    string                         `json:"Effect"`
	Principal map[string]string              `json:"Principal"`
	Action    []string                       `json:"Action"`
	Resource  []string                       `json:"Resource"`
	Condition map[string]map[string][]string `json:"Condition"`
}

// Read reads the permissions out of a studio's resources.
func Read(resources []byte) (*Studio, error) {
	objects, err := decode(resources)
	if err != nil {
		return nil, err
	}

	return Of(objects)
}

// Of reads them out of objects.
func Of(objects []*unstructured.Unstructured) (*Studio, error) {
	s := &Studio{byName: map[string]*Role{}}

	// Roles first: the others name them.
	for _, read := range []func(o *unstructured.Unstructured) error{s.role, s.grant, s.resource} {
		for _, o := range objects {
			if err := read(o); err != nil {
				return nil, fmt.Errorf("%s %s: %w", o.GetKind(), o.GetName(), err)
			}
		}
	}

	if len(s.Roles) == 0 {
		return nil, errors.New("the resources hold no role")
	}

	slices.SortFunc(s.Roles, func(a, b *Role) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(s.Resources, func(a, b Resource) int { return strings.Compare(a.Kind+a.Name, b.Kind+b.Name) })

	return s, nil
}

func decode(resources []byte) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured

	d := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(resources), 4096)

	for {
		o := &unstructured.Unstructured{}
		if err := d.Decode(&o.Object); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, fmt.Errorf("cannot read a resource: %w", err)
		}

		if len(o.Object) > 0 {
			out = append(out, o)
		}
	}
}

func (s *Studio) role(o *unstructured.Unstructured) error {
	if o.GetKind() != "Role" {
		return nil
	}

	trust, err := statements(param(o, "assumeRolePolicy"))
	if err != nil {
		return err
	}

	r := &Role{Name: o.GetAnnotations()["crossplane.io/external-name"], Description: param(o, "description"), Trust: trust}
	s.Roles = append(s.Roles, r)
	s.byName[o.GetName()] = r

	return nil
}

// grant reads what is given to a role.
func (s *Studio) grant(o *unstructured.Unstructured) error {
	ref := param(o, "roleRef", "name")
	if ref == "" {
		ref = param(o, "roleArnRef", "name")
	}

	r := s.byName[ref]

	switch o.GetKind() {
	case "RolePolicyAttachment", "RolePolicy", "PodIdentityAssociation":
		if r == nil {
			return fmt.Errorf("it names the role %q, which is not there", ref)
		}
	}

	switch o.GetKind() {
	case "RolePolicyAttachment":
		r.Managed = append(r.Managed, param(o, "policyArn"))
		slices.Sort(r.Managed)
	case "PodIdentityAssociation":
		r.Accounts = append(r.Accounts, param(o, "namespace")+"/"+param(o, "serviceAccount"))
		slices.Sort(r.Accounts)
	case "RolePolicy":
		all, err := statements(param(o, "policy"))
		if err != nil {
			return err
		}

		r.Statements = append(r.Statements, all...)
	}

	return nil
}

// resource reads a policy that a resource has itself.
func (s *Studio) resource(o *unstructured.Unstructured) error {
	kind, ok := map[string]string{"BucketPolicy": "Bucket", "QueuePolicy": "Queue"}[o.GetKind()]
	if !ok {
		return nil
	}

	all, err := statements(param(o, "policy"))
	if err != nil {
		return err
	}

	s.Resources = append(s.Resources, Resource{Kind: kind, Name: last(all[0].Resource[0]), Statements: all})

	return nil
}

// statements parses a policy document, and refuses what is none.
func statements(policy string) ([]Statement, error) {
	doc := struct {
		Version   string      `json:"Version"`
		Statement []Statement `json:"Statement"`
	}{}

	d := json.NewDecoder(strings.NewReader(policy))
	d.DisallowUnknownFields()

	if err := d.Decode(&doc); err != nil {
		return nil, fmt.Errorf("cannot parse its policy: %w", err)
	}

	if doc.Version != version || len(doc.Statement) == 0 {
		return nil, fmt.Errorf("its policy is none of version %s: %s", version, policy)
	}

	return doc.Statement, nil
}

func param(o *unstructured.Unstructured, path ...string) string {
	v, _, _ := unstructured.NestedString(o.Object, append([]string{"spec", "forProvider"}, path...)...)
	return v
}

// last is the last part of an ARN.
func last(arn string) string { return arn[strings.LastIndexAny(arn, ":/")+1:] }
