package plan

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
)

// longest is the longest name that a claim can have, with dots, which several
// services refuse.
const longest = "a.very-long.name-of-a.studio-that.fills-every.place-there-is.xyz"

// everyKey are the keys that any studio can have: the inventory, each family in
// every zone, and what the examples make of the families that people fill.
func everyKey(t testing.TB) []kit.Key {
	t.Helper()

	b, err := os.ReadFile("../testdata/keys.yaml")
	if err != nil {
		t.Fatal(err)
	}

	var composed []kit.Key
	if err := yaml.Unmarshal(b, &composed); err != nil {
		t.Fatal(err)
	}

	set := map[kit.Key]bool{}

	for _, k := range append(composed, Inventory()...) {
		set[k] = true
	}

	for _, r := range regions(t) {
		for _, z := range r.Zones {
			set[PrivateSubnet(z)], set[PrivateSubnetRoutes(z)] = true, true
			set[PublicSubnet(z)], set[PublicSubnetRoutes(z)] = true, true
		}
	}

	for _, arn := range []string{"arn:aws:iam::123456789012:role/a", "arn:aws:iam::123456789012:role/b"} {
		set[AdminEntry(arn)], set[AdminPolicy(arn)] = true, true
	}

	out := make([]kit.Key, 0, len(set))
	for k := range set {
		out = append(out, k)
	}

	return out
}

func TestNames(t *testing.T) {
	cases := map[string]struct {
		reason            string
		namespace, studio string
		want              map[string]string
	}{
		"Short": {
			reason:    "A name reads as claim, studio, resource.",
			namespace: "art", studio: "tokyo",
			want: map[string]string{
				"vpc":        "tokyo-128572-network-vpc",
				"cluster":    "tokyo-128572-cluster",
				"nodes":      "tokyo-128572-system",
				"role":       "tokyo-128572-system-node",
				"kubeconfig": "tokyo-128572-kubeconfig",
				"models":     "comfyui-models-123456789012-ap-northeast-1-128572",
				"arn":        "arn:aws:s3:::comfyui-models-123456789012-ap-northeast-1-128572",
			},
		},
		"OtherNamespace": {
			reason:    "The same claim in another namespace shares no name.",
			namespace: "film", studio: "tokyo",
			want: map[string]string{
				"vpc":        "tokyo-ce6361-network-vpc",
				"cluster":    "tokyo-ce6361-cluster",
				"nodes":      "tokyo-ce6361-system",
				"role":       "tokyo-ce6361-system-node",
				"kubeconfig": "tokyo-ce6361-kubeconfig",
				"models":     "comfyui-models-123456789012-ap-northeast-1-ce6361",
				"arn":        "arn:aws:s3:::comfyui-models-123456789012-ap-northeast-1-ce6361",
			},
		},
		"Dots": {
			reason:    "A dot, which EKS refuses, becomes a dash.",
			namespace: "art", studio: "a.b",
			want: map[string]string{
				"vpc":        "a-b-f1d25f-network-vpc",
				"cluster":    "a-b-f1d25f-cluster",
				"nodes":      "a-b-f1d25f-system",
				"role":       "a-b-f1d25f-system-node",
				"kubeconfig": "a-b-f1d25f-kubeconfig",
				"models":     "comfyui-models-123456789012-ap-northeast-1-f1d25f",
				"arn":        "arn:aws:s3:::comfyui-models-123456789012-ap-northeast-1-f1d25f",
			},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p := newPlan(t, called(tc.namespace, tc.studio)).InAccount("123456789012")
			got := map[string]string{
				"vpc":        p.Name(VPC),
				"cluster":    p.ClusterName(),
				"nodes":      p.ExternalName(SystemNodes),
				"role":       p.ExternalName(NodeRole),
				"kubeconfig": p.KubeconfigSecret(),
				"models":     p.BucketName(Models),
				"arn":        p.BucketARN(Models),
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nNames: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestBucketName(t *testing.T) {
	p := newPlan(t)
	if p.BucketName(Models) != "" || p.BucketARN(Models) != "" {
		t.Errorf("A bucket has no name before the account is known.\nBucketName(...): got %q", p.BucketName(Models))
	}

	p.Buckets[Models] = Bucket{Adopt: "an-older-bucket"}
	if got := p.BucketName(Models); got != "an-older-bucket" {
		t.Errorf("An adopted bucket has the name it has, account or not.\nBucketName(...): got %q", got)
	}

	if got := p.ExternalName(BucketKey(Models, BucketItself)); got != "an-older-bucket" {
		t.Errorf("ExternalName(...): got %q", got)
	}

	if got := p.ExternalName(BucketKey(Models, BucketTLS)); got != "" {
		t.Errorf("A bucket's settings are named by the provider.\nExternalName(...): got %q", got)
	}
}

func TestFit(t *testing.T) {
	cases := map[string]struct {
		reason     string
		head, tail string
		limit      int
		want       string
	}{
		"Fits":           {reason: "What fits is left alone.", head: "tokyo", tail: "-128572-vpc", limit: 63, want: "tokyo-128572-vpc"},
		"ExactlyFits":    {reason: "To the last character.", head: "abcdefgh", tail: "-12", limit: 11, want: "abcdefgh-12"},
		"HeadCut":        {reason: "The head gives way first, down to eight characters.", head: "abcdefghijkl", tail: "-12", limit: 11, want: "abcdefgh-12"},
		"HeadCutAtDash":  {reason: "No two dashes meet at the cut.", head: "abcdefg-ijkl", tail: "-12", limit: 11, want: "abcdefg-12"},
		"HeadCutAtDot":   {reason: "Nor a dot and a dash.", head: "abcdefg.ijkl", tail: "-12", limit: 11, want: "abcdefg-12"},
		"ShortHead":      {reason: "A short head takes no more room than it has.", head: "ab", tail: "-1234567890", limit: 13, want: "ab-1234567890"},
		"TailCut":        {reason: "A tail that leaves the head no room ends in its hash.", head: "abcdefghijkl", tail: "-" + strings.Repeat("t", 30), limit: 32, want: "abcdefgh-tttttttttttttttt-f51cdc"},
		"TailCutAtDash":  {reason: "No two dashes meet at that cut either.", head: "ab", tail: "-ttt-" + strings.Repeat("u", 20), limit: 14, want: "ab-ttt-93b6ce"},
		"TailCutShorter": {reason: "A tail cut at a dash leaves its place to the head.", head: "abcdefghijkl", tail: "-ttt-" + strings.Repeat("u", 20), limit: 20, want: "abcdefghi-ttt-93b6ce"},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := fit(tc.head, tc.tail, tc.limit)
			if got != tc.want {
				t.Errorf("%s\nfit(%q, %q, %d): want %q, got %q", tc.reason, tc.head, tc.tail, tc.limit, tc.want, got)
			}

			if len(got) > tc.limit {
				t.Errorf("fit(%q, %q, %d): %q is %d long", tc.head, tc.tail, tc.limit, got, len(got))
			}
		})
	}
}

// FuzzNames holds for every claim that Kubernetes accepts: every name is one
// that its service accepts, no two keys of a studio have one name, and no name
// is that of the same claim in another namespace.
func FuzzNames(f *testing.F) {
	f.Add("art", "tokyo")
	f.Add("art", "a")
	f.Add("art", longest)
	f.Add("art", strings.Repeat("a", 63))
	f.Add("a-namespace-as-long-as-they-can-be-in-kubernetes-with-63-letters", "0.1.2.3.4.5.6.7.8.9")
	f.Add("art", "abcdefg-"+strings.Repeat("-", 20)+"x")

	keys := everyKey(f)

	f.Fuzz(func(t *testing.T, namespace, studio string) {
		if len(studio) > 63 || len(validation.IsDNS1123Subdomain(studio)) > 0 || len(validation.IsDNS1123Label(namespace)) > 0 {
			t.Skip("Kubernetes refuses such a claim")
		}

		p := newPlan(t, called(namespace, studio)).InAccount("123456789012")
		other := newPlan(t, called(namespace[:len(namespace)-1]+"x", studio)).InAccount("123456789012")

		taken := map[string]kit.Key{}

		for _, k := range keys {
			name := p.Name(k)

			for _, problem := range validation.IsDNS1123Label(name) {
				t.Errorf("%s: %q: %s", k, name, problem)
			}

			if twin, twice := taken[name]; twice {
				t.Errorf("%s and %s are both called %s", k, twin, name)
			}

			taken[name] = k

			if namespace[len(namespace)-1] != 'x' && other.Name(k) == name {
				t.Errorf("%s: %s is the name in namespace %s too", k, name, other.Namespace)
			}

			checkExternalName(t, k, p.ExternalName(k))
		}
	})
}

// Rules of AWS for names. iam:CreateRole: its API reference. S3 user guide,
// "General purpose bucket naming rules".
const (
	roleRule   = `^[\w+=,.@-]{1,64}$`
	bucketRule = `^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`
)

// checkExternalName holds a name that AWS shows to the rules of its service.
func checkExternalName(t *testing.T, k kit.Key, name string) {
	t.Helper()

	rule := map[kit.Key]string{
		// eks:CreateCluster and CreateNodegroup, iam:CreateRole: their API references.
		Cluster:      `^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$`,
		SystemNodes:  `^[0-9A-Za-z][A-Za-z0-9_-]{0,62}$`,
		ClusterRole:  roleRule,
		NodeRole:     roleRule,
		S3DriverRole: roleRule,
	}[k]

	for _, rules := range []map[kit.Key]string{capacityNameRules(), modelSyncNameRules(), imageNameRules(), workloadNameRules(), edgeNameRules()} {
		// A family has one rule for all of its members.
		for _, k := range []kit.Key{kit.Key(family(k)), k} {
			if r := rules[k]; r != "" {
				rule = r
			}
		}
	}

	for _, b := range BucketNames() {
		if k == BucketKey(b, BucketItself) {
			rule = bucketRule
		}
	}

	if rule == "" {
		if name != "" {
			t.Errorf("%s: is called %q in AWS, which no rule here knows", k, name)
		}

		return
	}

	if !regexp.MustCompile(rule).MatchString(name) {
		t.Errorf("%s: AWS refuses the name %q", k, name)
	}
}

// TestLongestBucketName holds bucket names whole in the region with the longest
// name: the account, the region and the studio are what makes them unique.
func TestLongestBucketName(t *testing.T) {
	for _, r := range regions(t) {
		p := newPlan(t, called("art", longest), inRegion(r.Name), withoutCDN).InAccount("123456789012")

		for _, b := range BucketNames() {
			if want, got := "comfyui-"+string(b)+"-123456789012-"+r.Name+"-"+p.id(), p.BucketName(b); got != want {
				t.Errorf("BucketName(%s) in %s: want %q, got %q", b, r.Name, want, got)
			}
		}
	}
}
