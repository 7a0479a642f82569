// Package awstest makes what a studio has in AWS when its cluster comes up, in
// a simulated account, for the tests of what is played in that cluster.
package awstest

import (
	"context"
	"strings"
	"testing"
	"time"

	kjson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// The studio's cluster, where it is, and the queue of its Karpenter.
const (
	Cluster = "studio"
	Region  = "us-east-1"
	Queue   = "studio-interruptions"
)

// A Studio is an account and what a test made in it, by name.
type Studio struct {
	*cloud.AWS

	tb   testing.TB
	made map[string]cloud.Resource
}

// New makes an account with a studio in it.
func New(tb testing.TB, scale float64) *Studio {
	tb.Helper()

	s := &Studio{AWS: cloud.New(cloud.Options{Scale: scale}), tb: tb, made: map[string]cloud.Resource{}}
	for _, wave := range []string{network, roles, cluster, nodes} {
		s.Make(wave)
	}

	return s
}

// Make creates resources and waits for them. $name.id, $name.arn and $name.sg
// stand for what was made before, or before in the same call.
func (s *Studio) Make(manifests string) {
	s.tb.Helper()

	calls := []cloud.Call{}

	for doc := range strings.SplitSeq(strings.TrimSpace(manifests), "\n---\n") {
		c := s.call(doc)

		r, err := s.Create(c)
		if err != nil {
			s.tb.Fatalf("cannot make %s: %v", c.Owner.Name, err)
		}

		c.ID = r.ID
		calls = append(calls, c)
		s.made[c.Owner.Name] = r
	}

	for _, c := range calls {
		r, err := s.Await(context.Background(), c, time.Hour)
		if err != nil {
			s.tb.Fatalf("cannot wait for %s: %v", c.Owner.Name, err)
		}

		s.made[c.Owner.Name] = r
	}
}

// Delete deletes a resource and waits until it is gone.
func (s *Studio) Delete(name string) {
	s.tb.Helper()

	c := s.own(name)
	if err := s.AWS.Delete(c); err != nil {
		s.tb.Fatalf("cannot delete %s: %v", name, err)
	}

	if err := s.AwaitGone(context.Background(), c, time.Hour); err != nil {
		s.tb.Fatalf("cannot wait for the end of %s: %v", name, err)
	}
}

// Refused deletes a resource that AWS does not let go, and returns why.
func (s *Studio) Refused(name string) error { return s.AWS.Delete(s.own(name)) }

// ID of a resource that was made.
func (s *Studio) ID(name string) string { return s.made[name].ID }

// SecurityGroup is the cluster's.
func (s *Studio) SecurityGroup() string {
	return s.made[Cluster].Attrs.String("vpcConfig.clusterSecurityGroupId")
}

func (s *Studio) own(name string) cloud.Call {
	r := s.made[name]

	return cloud.Call{Kind: r.Kind, ID: r.ID, Args: r.Args, Owner: cloud.Owner{Namespace: "art", Name: name}}
}

func (s *Studio) call(manifest string) cloud.Call {
	s.tb.Helper()

	for name, r := range s.made {
		for _, field := range []string{"arn", "id"} {
			manifest = strings.ReplaceAll(manifest, "$"+name+"."+field, r.Observed().String(field))
		}
	}

	j, err := yaml.YAMLToJSON([]byte(manifest))
	if err != nil {
		s.tb.Fatalf("bad manifest: %v\n%s", err, manifest)
	}

	m := map[string]any{}
	if err := kjson.Unmarshal(j, &m); err != nil {
		s.tb.Fatalf("bad manifest: %v\n%s", err, manifest)
	}

	v := cloud.Values(m)
	kind, _, _ := strings.Cut(v.String("kind"), " ")
	service, _, _ := strings.Cut(v.String("apiVersion"), ".")
	args, _ := v.Get("spec.forProvider").(map[string]any)
	c := cloud.Call{
		Kind: cloud.Kind{Service: service, Name: kind}, Name: v.String("metadata.name"), Args: args,
		Owner: cloud.Owner{Namespace: "art", Name: v.String("metadata.name")},
	}

	if !s.Knows(c.Kind) {
		s.tb.Fatalf("no rule for %s", c.Kind)
	}

	if c.Args["region"] == nil {
		c.Args["region"] = Region
	}

	c.ID, _ = s.Identity(c)

	return c
}
