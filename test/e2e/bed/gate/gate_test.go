package gate

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestRead holds that every value that the minimal claim waits for is one that a
// resource of it can tell, or that a bed has from the start.
func TestRead(t *testing.T) {
	all, err := Read(filepath.Join("..", "..", "..", ".."), "minimal")
	if err != nil {
		t.Fatal(err)
	}

	known := append(Always(), AccountID, PrivateSubnets, StudioSecret)
	keys := map[string]bool{}

	for _, g := range all {
		keys[g.Key] = true
	}

	for _, s := range sources() {
		known = append(known, s.values...)

		if !keys[s.key] {
			t.Errorf("%v are told by %s, which the claim has not", s.values, s.key)
		}
	}

	for _, key := range tellAccount() {
		if !keys[key] {
			t.Errorf("the account is told by %s, which the claim has not", key)
		}
	}

	for _, g := range all {
		for _, k := range g.After {
			if !keys[k] {
				t.Errorf("%s waits for %s, which the claim has not", g.Key, k)
			}
		}

		for _, v := range g.Needs {
			if !slices.Contains(known, v) {
				t.Errorf("%s waits for %s, which nothing tells", g.Key, v)
			}
		}
	}
}

func TestFamily(t *testing.T) {
	cases := map[string]struct{ reason, key, want string }{
		"Hash":  {"What only AWS tells is another for each studio.", "edge-vpc-origin-3d1cfae4", "edge-vpc-origin-"},
		"Build": {"So is what comes from the release.", "image-marker-agent-75d01faa", "image-marker-agent-"},
		"Same":  {"A hash of the claim's own words is the same.", "edge-load-balancer-in-404213bf", "edge-load-balancer-in-404213bf"},
		"Usage": {"A Usage has its own key.", "usage-edge-load-balancer-by-edge-vpc-origin-3d1cfae4", "usage-edge-load-balancer-by-edge-vpc-origin-3d1cfae4"},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := Family(tc.key); got != tc.want {
				t.Errorf("%s\nFamily(%s): want %s, got %s", tc.reason, tc.key, tc.want, got)
			}
		})
	}
}

func TestReady(t *testing.T) {
	object := func(generation, seen any) map[string]any {
		return map[string]any{
			"metadata": map[string]any{"generation": generation},
			"status": map[string]any{"conditions": []any{
				map[string]any{"type": "Ready", "status": "True"},
				map[string]any{"type": "Synced", "status": "True", "observedGeneration": seen},
			}},
		}
	}

	ofKind := func(kind string, o map[string]any) map[string]any {
		o["kind"] = kind
		return o
	}

	cases := map[string]struct {
		reason string
		o      map[string]any
		want   bool
	}{
		"Ready":          {"From JSON, numbers are integers.", object(int64(2), int64(2)), true},
		"OlderByJSON":    {"A Ready of an older generation is no answer for this one.", object(int64(3), int64(2)), false},
		"OlderByWire":    {"From the wire, numbers are floats.", object(3.0, 2.0), false},
		"Address":        {"An address is as ready as it was when its NAT gateway was made.", ofKind("EIP", object(int64(3), int64(2))), true},
		"NoConditions":   {"What says nothing is not ready.", map[string]any{"kind": "VPC"}, false},
		"ProviderConfig": {"A configuration has no conditions.", map[string]any{"kind": "ProviderConfig"}, true},
		"Secret":         {"Nor has a Secret.", map[string]any{"kind": "Secret"}, true},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := Ready(tc.o); got != tc.want {
				t.Errorf("%s\nReady(...): want %t, got %t", tc.reason, tc.want, got)
			}
		})
	}
}

func TestValues(t *testing.T) {
	at := func(fields map[string]any) map[string]any {
		return map[string]any{"status": map[string]any{"atProvider": fields}}
	}

	cases := map[string]struct {
		reason string
		key    string
		o      map[string]any
		want   []string
	}{
		"Account":     {"A role's ARN has the account.", "cluster-role", at(map[string]any{"arn": "arn:aws:iam::123456789012:role/x"}), []string{AccountID}},
		"NoARN":       {"What is no ARN has none.", "cluster-role", at(map[string]any{"arn": "x"}), nil},
		"OthersARN":   {"The function reads the account from some resources only; a bucket's ARN has none.", "storage-models", at(map[string]any{"arn": "arn:aws:s3:::x"}), nil},
		"Subnet":      {"A subnet tells its part.", "network-private-subnet-apne1-az1", at(map[string]any{"id": "subnet-1"}), []string{PrivateSubnets}},
		"SubnetToBe":  {"One without an id tells nothing.", "network-private-subnet-apne1-az1", at(map[string]any{"id": ""}), nil},
		"Lists":       {"The first element of a list counts.", "cluster-system-nodes", at(map[string]any{"resources": []any{map[string]any{"autoscalingGroups": []any{map[string]any{"name": "a"}}}}}), []string{"the autoscaling group of the system nodes"}},
		"EmptyList":   {"An empty list tells nothing.", "cluster-system-nodes", at(map[string]any{"resources": []any{}}), nil},
		"Built":       {"A marker tells when its build is done.", "image-marker-comfyui-a3ae457e", at(map[string]any{"metadata": map[string]any{"state": "done"}}), []string{"the ComfyUI image"}},
		"Failed":      {"And nothing else.", "image-marker-comfyui-a3ae457e", at(map[string]any{"metadata": map[string]any{"state": "failed"}}), nil},
		"Secret":      {"The studio's secret is known by what is in it.", "workload-secret", map[string]any{"kind": "Secret", "data": map[string]any{"seed": "x"}}, []string{StudioSecret}},
		"EmptySecret": {"An empty one says nothing.", "workload-secret", map[string]any{"kind": "Secret"}, nil},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Values(tc.key, tc.o), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s\nValues(%s): -want, +got:\n%s", tc.reason, tc.key, diff)
			}
		})
	}
}
