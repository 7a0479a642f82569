package studio

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	fnv1 "github.com/crossplane/crossplane/v2/proto/fn/v1"
	"google.golang.org/protobuf/types/known/structpb"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/bed"
)

// said is what Crossplane puts before the function's own words.
const said = `cannot compose resources: pipeline step "compose-comfyui" returned a fatal result: `

// TestRefusedAtTheStart applies claims that the API server accepts and the
// function refuses. The claim says what is wrong, and nothing is made.
func TestRefusedAtTheStart(t *testing.T) {
	long(t)

	cases := map[string]struct {
		reason string
		spec   map[string]any
		want   string
		// fix is what the message asks for. Where it is nil the field can never
		// change: the claim goes, and a right one comes.
		fix map[string]any
	}{
		"UnknownRegion": {
			reason: "A region that looks like one and is none.",
			spec:   map[string]any{"region": "ap-northeast-9"},
			want:   `spec.region: "ap-northeast-9" is not in the catalogue; use one of ` + regions(t, false),
		},
		"ExcludedZone": {
			reason: "A zone of the region that lacks a service.",
			spec:   map[string]any{"network": zones("apne1-az1", "apne1-az3")},
			want:   "spec.network.zoneIDs[1]: apne1-az3 cannot be used, VPCOrigins is not offered there; use apne1-az1, apne1-az2, apne1-az4",
		},
		"ZoneElsewhere": {
			reason: "A zone of another region.",
			spec:   map[string]any{"network": zones("use1-az1", "apne1-az1")},
			want:   "spec.network.zoneIDs[0]: use1-az1 is not a zone of ap-northeast-1; use apne1-az1, apne1-az2, apne1-az4",
		},
		"NoVPCOrigins": {
			reason: "CloudFront cannot reach a studio there.",
			spec:   map[string]any{"region": "mx-central-1"},
			want:   "spec.access.cdn: CloudFront has no VPC origins in mx-central-1; set it to false, or use one of " + regions(t, true),
			fix:    map[string]any{"region": "mx-central-1", "access": map[string]any{"cdn": false}},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := newStudio(t)
			s.apply(tc.spec)
			s.awaitRefused(tc.want)

			if got := s.left(); len(got) > 0 {
				t.Errorf("%s\nwant nothing in AWS, got %v", tc.reason, got)
			}

			if tc.fix == nil {
				s.claim().Delete(metav1.DeletePropagationBackground)
				s.await(gone)
			}

			s.apply(tc.fix)
			s.await(composes("network-vpc"))
			s.awaitSynced()
			s.discard()
		})
	}
}

// TestRefusedLater asks a Ready studio for what cannot be. It stays as it is.
func TestRefusedLater(t *testing.T) {
	s := newStudio(t)
	s.apply(small(nil))
	s.awaitReady()

	before := s.uids()

	shared.Cloud().ResetCalls()

	t.Run("OtherAccount", func(t *testing.T) {
		s := s
		s.t = t

		stop := shared.Wire().Use(tamper(s.namespace, otherAccount))
		defer stop()

		s.poke()
		s.awaitRefused("spec.providerConfigRef: it leads to account 210987654321, but the studio is in account 123456789012; point it there again")
		s.untouched(before)
		stop()
		s.poke()
		s.awaitReady()
		s.untouched(before)
	})

	t.Run("OtherZones", func(t *testing.T) {
		s := s
		s.t = t
		s.apply(small(map[string]any{"network": zones("apne1-az4", "apne1-az1")}))
		s.awaitRefused("spec.network.zoneIDs: it must begin with the zones that the studio has, apne1-az1, apne1-az2, apne1-az4; add others behind them")
		s.untouched(before)

		// Put right, it goes on.
		s.apply(small(map[string]any{"network": zones("apne1-az1", "apne1-az2", "apne1-az4")}))
		s.awaitReady()
		s.untouched(before)
	})
}

// otherAccount shows the function what a provider config with the credentials of
// another account brings about.
func otherAccount(req *fnv1.RunFunctionRequest) {
	role := req.GetObserved().GetResources()["cluster-role"].GetResource()

	at := role.GetFields()["status"].GetStructValue().GetFields()["atProvider"].GetStructValue().GetFields()
	if arn := at["arn"].GetStringValue(); arn != "" {
		at["arn"] = structpb.NewStringValue(strings.Replace(arn, "123456789012", "210987654321", 1))
	}
}

// TestAppliedAgainAtOnce applies a claim while its predecessor's resources are
// still being deleted. It waits for them, tells so, and gets Ready in the end, with
// the same buckets and nothing twice.
func TestAppliedAgainAtOnce(t *testing.T) {
	s := newStudio(t)
	s.apply(small(nil))
	s.awaitReady()

	buckets := bucketIDs(s.left())

	s.discard()

	s.await(gone)

	shared.Wire().Forget()
	s.apply(small(nil))
	s.awaitReady()
	once(t, s.left())
	s.waitedForPredecessor()

	if got := bucketIDs(s.left()); !slices.Equal(buckets, got) {
		t.Errorf("buckets were %v and are %v", buckets, got)
	}

	s.delete()
}

// waitedForPredecessor checks that the claim composed nothing while there was
// something left of a studio before it, and told so.
func (s studio) waitedForPredecessor() {
	s.t.Helper()

	waited := 0

	for i, r := range shared.Wire().RunsOf(s.namespace, s.name) {
		rsp, err := r.Response()
		if err != nil {
			s.t.Fatal(err)
		}

		conditions := rsp.GetConditions()
		if len(conditions) == 0 || !strings.HasPrefix(conditions[0].GetMessage(), "previous studio is still being deleted (") {
			continue
		}

		waited++

		if n := len(rsp.GetDesired().GetResources()); n > 0 {
			s.t.Errorf("run %d composed %d resources while the studio before was there", i, n)
		}
	}

	if waited == 0 {
		s.t.Error("the claim never waited for the studio before, so nothing was shown")
	}
}

// untouched checks that the studio is what it was and AWS was asked for nothing.
func (s studio) untouched(before map[string]types.UID) {
	s.t.Helper()

	s.kept(before)

	for _, c := range s.calls() {
		if c.Create+c.Update > 0 {
			s.t.Errorf("AWS got %d creates and %d updates for %s %s", c.Create, c.Update, c.Kind, c.Name)
		}
	}
}

// awaitRefused waits until the claim says exactly this.
func (s studio) awaitRefused(want string) {
	s.t.Helper()

	s.await(func(o *unstructured.Unstructured) error {
		c := conditionOf(o, "Synced")
		if c["status"] != "False" || c["message"] != said+want {
			return fmt.Errorf("says\n%v\nwant\n%s", c["message"], said+want)
		}

		return nil
	})
}

func (s studio) awaitSynced() {
	s.t.Helper()

	s.await(func(o *unstructured.Unstructured) error {
		if c := conditionOf(o, "Synced"); c["status"] != "True" {
			return errors.New(fmt.Sprint(c["message"]))
		}

		return nil
	})
}

// poke makes the core look at the claim.
func (s studio) poke() { s.setPaused("false") }

func zones(ids ...any) map[string]any { return map[string]any{"zoneIDs": ids} }

// regions are those of the catalogue as a message lists them.
func regions(t *testing.T, withVPCOrigins bool) string {
	t.Helper()

	root, err := bed.FindRoot()
	if err != nil {
		t.Fatal(err)
	}

	b, err := os.ReadFile(filepath.Join(root, "functions", "compose-comfyui", "plan", "regions.yaml"))
	if err != nil {
		t.Fatal(err)
	}

	file := struct {
		Regions []struct {
			Name       string `json:"name"`
			VPCOrigins bool   `json:"vpcOrigins"`
		} `json:"regions"`
	}{}
	if err := yaml.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}

	var out []string

	for _, r := range file.Regions {
		if r.VPCOrigins || !withVPCOrigins {
			out = append(out, r.Name)
		}
	}

	slices.Sort(out)

	return strings.Join(out, ", ")
}
