package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// studios are what the composed identities of several studios have in common: sets
// of the ends of their names, of who may be given a role, and of AWS's policies.
type studios struct {
	roles, profiles, services, managed map[string]bool
}

// ownName matches a name of a studio's: the claim's, a hash, and what it is.
var ownName = regexp.MustCompile(`^[a-z0-9-]+-[0-9a-f]{6}-([a-z0-9-]+)$`)

func read(streams [][]byte) (*studios, error) {
	s := &studios{roles: map[string]bool{}, profiles: map[string]bool{}, services: map[string]bool{}, managed: map[string]bool{}}

	for _, stream := range streams {
		d := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(stream), 4096)

		for {
			o := &unstructured.Unstructured{}
			if err := d.Decode(&o.Object); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, fmt.Errorf("cannot read a resource: %w", err)
			}

			if err := s.add(o); err != nil {
				return nil, fmt.Errorf("%s %s: %w", o.GetKind(), o.GetName(), err)
			}
		}
	}

	if len(s.roles) == 0 || len(s.managed) == 0 {
		return nil, errors.New("the resources hold no roles")
	}

	return s, nil
}

func (s *studios) add(o *unstructured.Unstructured) error {
	if !strings.HasPrefix(o.GetAPIVersion(), "iam.aws.m.upbound.io/") {
		return nil
	}

	switch o.GetKind() {
	case "Role":
		services, err := trusted(o)
		if err != nil {
			return err
		}

		for _, service := range services {
			s.services[service] = true
		}

		return addName(s.roles, o)
	case "InstanceProfile":
		return addName(s.profiles, o)
	case "RolePolicyAttachment":
		arn, _, _ := unstructured.NestedString(o.Object, "spec", "forProvider", "policyArn")
		if arn == "" {
			return errors.New("it attaches no policy by its ARN")
		}

		s.managed[arn] = true
	}

	return nil
}

// addName adds the end of a name: what it begins with is another for each claim.
func addName(set map[string]bool, o *unstructured.Unstructured) error {
	m := ownName.FindStringSubmatch(o.GetAnnotations()["crossplane.io/external-name"])
	if m == nil {
		return fmt.Errorf("its name in AWS, %q, is none of a studio's", o.GetAnnotations()["crossplane.io/external-name"])
	}

	set[m[1]] = true

	return nil
}

// trusted are the services that may assume a role.
func trusted(o *unstructured.Unstructured) ([]string, error) {
	policy, _, _ := unstructured.NestedString(o.Object, "spec", "forProvider", "assumeRolePolicy")
	document := struct {
		Statement []struct {
			Principal struct {
				Service string `json:"Service"`
			} `json:"Principal"`
		} `json:"Statement"`
	}{}

	if err := json.Unmarshal([]byte(policy), &document); err != nil {
		return nil, fmt.Errorf("cannot parse who may assume it: %w", err)
	}

	var out []string

	for _, s := range document.Statement {
		if s.Principal.Service == "" {
			return nil, errors.New("somebody may assume it who is no service")
		}

		out = append(out, s.Principal.Service)
	}

	return out, nil
}

// arns are patterns of all studios' names, in any account.
func (s *studios) arns(kind string, ends map[string]bool) []string {
	var out []string
	for _, end := range sorted(ends) {
		out = append(out, "arn:aws:iam::*:"+kind+"/*-??????-"+end)
	}

	return out
}
