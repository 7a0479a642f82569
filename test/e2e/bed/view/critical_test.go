package view

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCriticalPath(t *testing.T) {
	type step struct{ Key, Found string }
	vpc := made{group: ec2, kind: "VPC", key: "network-vpc", created: 0.2, active: 0.4}
	cases := map[string]struct {
		reason    string
		resources []made
		want      []step
	}{
		"Whole": {
			reason:    "The path goes through references, and through a gate where what is referred to had long been ready.",
			resources: finished(),
			want: []step{
				{"network-vpc", foundStart},
				{"network-private-subnet-apne1-az1", "reference vpcIdRef"},
				{"cluster-eks", "reference subnetIdRef"},
				{"cluster-system-nodes", "reference clusterNameRef"},
				{"edge-attachment", foundGate},
			},
		},
		"Nothing": {
			reason: "Without a ready resource there is no path.",
		},
		"OnlyGates": {
			reason: "A resource that refers to nothing follows what became ready last before it.",
			resources: []made{
				vpc,
				{group: iam, kind: "Role", key: "network-role", created: 0.1, active: 3},
				{group: s3, kind: "Bucket", key: "storage-models", created: 3.1, active: 4},
			},
			want: []step{{"network-role", foundStart}, {"storage-models", foundGate}},
		},
		"LaterPartIsNoGate": {
			reason: "What stands on a part does not hold that part back.",
			resources: []made{
				vpc,
				{group: "x", kind: "LB", key: "edge-alb", created: 0.2, active: 4.9},
				{group: eks, kind: "Cluster", key: "cluster-eks", created: 5, active: 9},
			},
			want: []step{{"network-vpc", foundStart}, {"cluster-eks", foundGate}},
		},
		"NeighbourIsNoGate": {
			reason: "On a busy machine, what AWS makes at once is beside a late resource, not before it.",
			resources: []made{
				vpc,
				{group: ec2, kind: "RouteTable", key: "network-routes", refs: map[string]string{"vpcIdRef": "network-vpc"}, created: 3.8, active: 3.9},
				{group: ec2, kind: "Subnet", key: "network-subnet", refs: map[string]string{"vpcIdRef": "network-vpc"}, created: 4, active: 5},
			},
			want: []step{{"network-vpc", foundStart}, {"network-subnet", "reference vpcIdRef"}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := Build(studio(20, tc.resources, whole()...))
			steps := CriticalPath(s)
			var got []step
			total := 0.0
			for _, st := range steps {
				got = append(got, step{st.Key, st.Found})
				total += st.Waited + st.Took
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nCriticalPath(...): -want, +got:\n%s", tc.reason, diff)
			}
			if n := len(steps); n > 0 && !near(total, steps[n-1].Active-s.Start) {
				t.Errorf("%s\nCriticalPath(...): the steps take %.1f s, the studio %.1f s", tc.reason, total, steps[n-1].Active-s.Start)
			}
		})
	}
}

func near(a, b float64) bool { return max(a-b, b-a) < 1e-6 }

func TestDiagnose(t *testing.T) {
	stuck := finished()
	i := slices.IndexFunc(stuck, func(m made) bool { return m.key == "cluster-eks" })
	stuck[i].active = 0
	// All that is held by the cluster is not there; one add-on is, and fails.
	stuck = slices.DeleteFunc(stuck, func(m made) bool { return m.created > 10 && m.key != "cluster-addon-vpc-cni" })
	j := slices.IndexFunc(stuck, func(m made) bool { return m.key == "cluster-addon-vpc-cni" })
	stuck[j].active, stuck[j].failure = 0, "create failed: [{0 creating EKS Add-On: operation error EKS: CreateAddon, https response error StatusCode: 404, RequestID: 0-1, ResourceNotFoundException: No cluster found  []}]"

	quota := finished()
	quota[0].active, quota[0].failure = 0, "VpcLimitExceeded: The maximum number of VPCs has been reached."
	slow := made{group: ec2, kind: "EIP", key: "network-slow", created: 0.1}

	cases := map[string]struct {
		reason     string
		o          Observation
		culprit    string
		candidates int
	}{
		"HoldsOthersBack": {
			reason:     "An add-on fails because its cluster is not active: the cluster is named.",
			o:          studio(60, stuck, whole()...),
			culprit:    "Cluster tokyo-128572-cluster-eks (cluster-eks) is creating",
			candidates: 1,
		},
		"FailingBeforeSlow": {
			reason:     "Of two that nothing holds back, the one that AWS refuses is named, with AWS's words.",
			o:          studio(60, []made{slow, quota[0]}, whole()...),
			culprit:    "VPC tokyo-128572-network-vpc (network-vpc) is failing: VpcLimitExceeded: The maximum number of VPCs has been reached.",
			candidates: 2,
		},
		"ClaimItself": {
			reason:  "A claim that the function refuses has no resource to blame.",
			o:       studio(60, nil, condition3("Synced", "False", "ReconcileError", "spec.region: unknown")),
			culprit: "the claim cannot be composed: spec.region: unknown",
		},
		"PartWaits": {
			reason:  "When all resources are ready, the part that still waits is named.",
			o:       studio(60, nil, condition3("NetworkReady", "False", "Waiting", "waiting: network-vpc for a zone")),
			culprit: "no resource; network is not ready: waiting: network-vpc for a zone",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			d := Diagnose(Build(tc.o))
			if diff := cmp.Diff(tc.culprit, d.Culprit()); diff != "" {
				t.Errorf("%s\nDiagnose(...): -want, +got:\n%s", tc.reason, diff)
			}
			if len(d.Culprits) != tc.candidates {
				t.Errorf("%s\nDiagnose(...): want %d candidates, got %d", tc.reason, tc.candidates, len(d.Culprits))
			}
		})
	}
}
