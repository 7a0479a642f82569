package studio

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// inTurn are the kinds that go one after another: AWS refuses to delete the next
// while one before it is there.
var inTurn = [][]cloud.Kind{
	{{Service: "cloudfront", Name: "Distribution"}, {Service: "cloudfront", Name: "VPCOrigin"}, {Service: "elbv2", Name: "LB"}, {Service: "ec2", Name: "Subnet"}, {Service: "ec2", Name: "VPC"}},
	{{Service: "eks", Name: "NodeGroup"}, {Service: "eks", Name: "Cluster"}, {Service: "ec2", Name: "Subnet"}, {Service: "ec2", Name: "VPC"}},
	{{Service: "ec2", Name: "NATGateway"}, {Service: "ec2", Name: "Subnet"}, {Service: "ec2", Name: "VPC"}},
}

// takesAll deletes the claim, waits until neither it nor anything composed is left,
// and tells how long that took beside what AWS takes. That is told and not judged:
// at this scale the machine's own speed is most of it.
func (s studio) takesAll(policy metav1.DeletionPropagation) {
	s.t.Helper()

	before, needs, began := s.composed(), s.deletionPath(), shared.Cloud().Clock().Now()

	s.claim().Delete(policy)
	s.claim().AwaitGone(before)

	took := shared.Cloud().Clock().Now() - began
	s.t.Logf("%d resources are gone after %s simulated, of which AWS needs %s: %.2f times that, at scale %g",
		len(before), took.Round(time.Second), needs.Round(time.Second), took.Seconds()/needs.Seconds(), shared.Cloud().Clock().Scale())
}

// deletionPath is how long AWS takes at least to delete what there is, with what it
// still makes, since that cannot be deleted before.
func (s studio) deletionPath() time.Duration {
	now := shared.Cloud().Clock().Now()
	there := map[cloud.Kind]time.Duration{}

	for _, e := range s.left() {
		k := cloud.KindOf(e.Group, e.Kind)

		takes := cloud.DurationsOf(k)
		if k.Name == "LB" {
			takes.Delete += cloud.ENIsLinger
		}

		rest := time.Duration(0)
		if e.State == cloud.StateCreating {
			rest = max(0, time.Duration(e.Created*float64(time.Second))+takes.Create-now)
		}

		there[k] = max(there[k], rest+takes.Delete)
	}

	paths := make([]time.Duration, len(inTurn))

	for i, kinds := range inTurn {
		for _, k := range kinds {
			paths[i] += there[k]
		}
	}

	return slices.Max(paths)
}
