package cloud

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDeleteRefuses(t *testing.T) {
	cases := map[string]struct {
		reason  string
		name    string
		code    string
		message string
	}{
		"VPC":             {"A VPC with subnets stays.", "vpc", "DependencyViolation", "has dependencies and cannot be deleted"},
		"Subnet":          {"A subnet with a cluster in it stays.", "two", "DependencyViolation", "has dependencies and cannot be deleted"},
		"Gateway":         {"A gateway stays while public addresses are mapped.", "igw", "DependencyViolation", "mapped public address"},
		"EIP":             {"An address in use stays.", "eip", "InvalidIPAddress.InUse", "in use"},
		"SecurityGroup":   {"A group on a load balancer stays.", "sg", "DependencyViolation", "has a dependent object"},
		"ReferencedGroup": {"A group that a rule names stays.", "peer", "DependencyViolation", "has a dependent object"},
		"Cluster":         {"A cluster with node groups stays.", "studio", "ResourceInUseException", "Cluster has nodegroups attached"},
		"Role":            {"A role with policies attached stays.", "node_role", "DeleteConflict", "must detach all policies first"},
		"InlineRole":      {"A role with inline policies stays.", "cluster_role", "DeleteConflict", "must delete policies first"},
		"ProfileRole":     {"A role in an instance profile stays.", "gpu_role", "DeleteConflict", "instance profile first"},
		"Policy":          {"A policy that is attached stays.", "policy", "DeleteConflict", "attached to entities"},
		"Bucket":          {"A bucket with objects stays.", "models", "BucketNotEmpty", "not empty"},
		"Rule":            {"A rule with targets stays.", "rule", "ValidationException", "has targets"},
		"LB":              {"A load balancer behind a VPC origin stays.", "lb", "OperationNotPermitted", "another service"},
		"TargetGroup":     {"A target group of a listener stays.", "group", "ResourceInUse", "in use by a listener"},
		"VPCOrigin":       {"A VPC origin of a distribution stays.", "origin", "CannotDeleteEntityWhileInUse", "in use by a distribution"},
		"Certificate":     {"So does its certificate.", "proved", "ResourceInUseException", "is in use"},
		"WebACL":          {"So does its web ACL.", "acl", "WAFAssociatedItemException", "being used"},
		"IPSet":           {"And that one's IP set.", "viewers", "WAFAssociatedItemException", "being used"},
	}
	w := newWorld(t, testNetwork, testCluster, testStorage, testEdge,
		"apiVersion: iam.aws.m.upbound.io/v1beta1\nkind: RolePolicy\nmetadata: {name: inline}\n"+`spec: {forProvider: {role: cluster-role, policy: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'}}`,
		"apiVersion: iam.aws.m.upbound.io/v1beta1\nkind: InstanceProfile\nmetadata: {name: profile}\nspec: {forProvider: {role: gpu-role}}",
	)
	if err := w.PutObject("models", "a", nil, nil); err != nil {
		t.Fatal(err)
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			r := w.made[tc.name]
			err := w.Delete(Call{Kind: r.Kind, ID: r.ID, Args: r.Args})
			if diff := cmp.Diff(tc.code, Code(err)); diff != "" {
				t.Fatalf("%s\nDelete(%s): -want code, +got code:\n%s\n%v", tc.reason, tc.name, diff, err)
			}
			if !strings.Contains(err.Error(), tc.message) {
				t.Errorf("%s\nDelete(%s): want message %q, got %q", tc.reason, tc.name, tc.message, err)
			}
		})
	}
}

func TestVPCOriginInUse(t *testing.T) {
	cases := map[string]struct {
		reason string
		change func(Values)
		code   string
	}{
		"Endpoint": {"An endpoint that is served stays as it is.", func(v Values) {
			v.Set("vpcOriginEndpointConfig.name", "another")
		}, "CannotUpdateEntityWhileInUse"},
		"Tags": {"Tags are another call.", func(v Values) { v["tags"] = map[string]any{"team": "art"} }, ""},
	}
	w := newWorld(t, testNetwork, testCluster, testStorage, testEdge)
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			r := w.made["origin"]
			args := r.Args.Copy()
			tc.change(args)
			_, err := w.Update(Call{Kind: r.Kind, ID: r.ID, Args: args})
			if diff := cmp.Diff(tc.code, Code(err)); diff != "" {
				t.Errorf("%s\nUpdate(...): -want code, +got code:\n%s\n%v", tc.reason, diff, err)
			}
		})
	}
}

func TestDeleteInOrder(t *testing.T) {
	w := newWorld(t, testNetwork, testCluster, testStorage, testEdge)
	order := []string{
		"address", "validation", "proof", "distribution", "proved", "unproved", "origin", "acl", "regional", "viewers", "listener", "group", "lb",
		"pod", "entry", "cni", "system", "studio",
		"default", "nat", "eip", "spare", "igw", "assoc", "endpoint", "table", "faraway", "http", "sg", "peer",
		"one", "two", "excluded", "foreign", "vpc", "elsewhere",
		"attachment", "policy", "node_role", "pod_role", "gpu_role", "cluster_role", "lambda_role",
		"target", "rule", "queue", "block", "models", "comfyui",
	}
	for _, name := range order {
		r := w.made[name]
		c := Call{Kind: r.Kind, ID: r.ID, Args: r.Args}
		if err := w.Delete(c); err != nil && !IsNotFound(err) {
			t.Fatalf("Delete(%s): %v", name, err)
		}
		if err := w.AwaitGone(context.Background(), c, time.Hour); err != nil {
			t.Fatalf("AwaitGone(%s): %v", name, err)
		}
		// Interfaces of load balancers linger.
		_ = w.Clock().Sleep(context.Background(), 2*ENIsLinger)
	}
	if left := w.Ledger().Left(); len(left) > 0 {
		t.Errorf("Ledger().Left(): %v", left)
	}
}

func TestLinger(t *testing.T) {
	w := newWorld(t, testNetwork, first(testEdge))
	lb, one := w.made["lb"], w.made["one"]
	if err := w.Delete(Call{Kind: lb.Kind, ID: lb.ID, Args: lb.Args}); err != nil {
		t.Fatal(err)
	}
	// The clock of this world is too fast to catch it: hold it by hand.
	w.mu.Lock()
	w.live[w.key(lb.Kind, lb.Region, lb.ID)].gone = w.clock.Now() + time.Hour*24*365
	w.mu.Unlock()
	if diff := cmp.Diff("DependencyViolation", Code(w.Delete(Call{Kind: one.Kind, ID: one.ID, Args: one.Args}))); diff != "" {
		t.Errorf("Delete(subnet of a deleted load balancer): -want code, +got code:\n%s", diff)
	}
}

func TestForceDestroy(t *testing.T) {
	w := newWorld(t, testStorage)
	if err := w.PutObject("models", "a", nil, nil); err != nil {
		t.Fatal(err)
	}
	r := w.made["models"]
	args := r.Args.Overlay(Values{"forceDestroy": true})
	if err := w.Delete(Call{Kind: r.Kind, ID: r.ID, Args: args}); err != nil {
		t.Errorf("Delete(bucket with forceDestroy): %v", err)
	}
}
