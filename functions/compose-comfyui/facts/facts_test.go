package facts_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plantest"
)

const (
	zoneA, zoneB, zoneC = "apne1-az1", "apne1-az2", "apne1-az4"

	roleARN = "arn:aws:iam::123456789012:role/tokyo-cluster"
)

func newPlan(t *testing.T, egress v1alpha1.Egress, zones ...string) plan.Plan {
	t.Helper()

	return plantest.New(t, func(s *v1alpha1.ComfyUIStudioSpec) { s.Network.ZoneIDs, s.Network.Egress = zones, egress })
}

func observe(states map[kit.Key]kittest.State) kit.Observed {
	return kittest.Observe(func(k kit.Key) string { return "tokyo-" + string(k) }, states)
}

func at(fields map[string]any) kittest.State { return kittest.ReadyAt(fields) }

func id(v string) kittest.State { return at(map[string]any{"id": v}) }

// everything is a studio that is up, and remembered what its status says of it.
func everything() map[kit.Key]kittest.State {
	return map[kit.Key]kittest.State{
		plan.ClusterRole:          at(map[string]any{"arn": roleARN}),
		plan.VPC:                  at(map[string]any{"id": "vpc-1", "arn": "arn:aws:ec2:ap-northeast-1:123456789012:vpc/vpc-1"}),
		plan.PrivateSubnet(zoneA): id("subnet-a"),
		plan.PrivateSubnet(zoneB): id("subnet-b"),
		plan.NATAddress:           at(map[string]any{"publicIp": "198.51.100.7"}),
		plan.NAT:                  id("nat-1"),
		plan.PrivateEgress:        at(map[string]any{"natGatewayId": "nat-1"}),
		plan.Cluster: at(map[string]any{
			"endpoint":  "https://live.eks.amazonaws.com",
			"version":   "1.35",
			"vpcConfig": map[string]any{"vpcId": "vpc-1", "clusterSecurityGroupId": "sg-1"},
		}),
	}
}

func remembered() v1alpha1.ComfyUIStudioStatus {
	return v1alpha1.ComfyUIStudioStatus{
		Account: "123456789012",
		Network: &v1alpha1.NetworkStatus{
			VPCID: "vpc-1", ZoneIDs: []string{zoneA, zoneB}, PrivateSubnetIDs: []string{"subnet-a", "subnet-b"}, EgressIP: "198.51.100.7",
		},
		Cluster: &v1alpha1.ClusterStatus{Endpoint: "https://live.eks.amazonaws.com", Version: "1.35", SecurityGroupID: "sg-1"},
	}
}

// known are the facts of everything.
func known() facts.Facts {
	return facts.Facts{
		Account: "123456789012", VPCID: "vpc-1",
		ZoneIDs: []string{zoneA, zoneB}, PrivateSubnetIDs: []string{"subnet-a", "subnet-b"},
		EgressIP: "198.51.100.7", EgressNAT: plan.NAT, EgressMoved: true,
		ClusterEndpoint: "https://live.eks.amazonaws.com", ClusterVersion: "1.35", ClusterSecurityGroupID: "sg-1",
	}
}

func TestFrom(t *testing.T) {
	with := func(f facts.Facts, mods ...func(*facts.Facts)) facts.Facts {
		for _, m := range mods {
			m(&f)
		}

		return f
	}
	unmoved := func(f *facts.Facts) { f.EgressMoved = false }

	type args struct {
		zones      []string
		observed   map[kit.Key]kittest.State
		remembered v1alpha1.ComfyUIStudioStatus
	}

	cases := map[string]struct {
		reason string
		args   args
		want   facts.Facts
	}{
		"Nothing": {
			reason: "A new studio knows nothing; the route will point at the gateway that is wanted.",
			want:   facts.Facts{EgressNAT: plan.NAT},
		},
		"Live": {
			reason: "Everything is read where it is observed.",
			args:   args{observed: everything()},
			want:   known(),
		},
		"Remembered": {
			reason: "Everything survives an observation that shows nothing at all.",
			args:   args{remembered: remembered()},
			want:   with(known(), unmoved),
		},
		"StatusesLost": {
			reason: "And one that shows resources without their status.",
			args: args{
				remembered: remembered(),
				observed: map[kit.Key]kittest.State{
					plan.ClusterRole: {}, plan.VPC: {}, plan.PrivateSubnet(zoneA): {}, plan.PrivateSubnet(zoneB): {},
					plan.NATAddress: {}, plan.NAT: {}, plan.PrivateEgress: {}, plan.Cluster: {},
				},
			},
			want: with(known(), unmoved),
		},
		"EmptyValues": {
			reason: "And one that shows empty values, as a provider does for a while after its restart.",
			args: args{
				remembered: remembered(),
				observed: map[kit.Key]kittest.State{
					plan.VPC: id(""), plan.PrivateSubnet(zoneA): id(""), plan.NATAddress: at(map[string]any{"publicIp": ""}),
					plan.NAT: id(""), plan.PrivateEgress: at(map[string]any{"natGatewayId": ""}),
					plan.Cluster: at(map[string]any{"endpoint": "", "version": "", "vpcConfig": map[string]any{"vpcId": "", "clusterSecurityGroupId": ""}}),
				},
			},
			want: with(known(), unmoved),
		},
		"LiveOverRemembered": {
			reason: "A live value is the truth, the status only the memory of it.",
			args: args{
				observed: everything(),
				remembered: v1alpha1.ComfyUIStudioStatus{
					Account: "123456789012",
					Network: &v1alpha1.NetworkStatus{VPCID: "vpc-0", ZoneIDs: []string{zoneA}, PrivateSubnetIDs: []string{"subnet-0"}, EgressIP: "198.51.100.0"},
					Cluster: &v1alpha1.ClusterStatus{Endpoint: "https://older", Version: "1.34", SecurityGroupID: "sg-0"},
				},
			},
			want: known(),
		},
		"SubnetsAllOrNone": {
			reason: "A zone counts when the subnets of all zones are there: half a list would be taken for the whole.",
			args: args{
				zones:      []string{zoneA, zoneB, zoneC},
				observed:   everything(),
				remembered: remembered(),
			},
			want: known(),
		},
		"ZoneAdded": {
			reason: "A zone that was added comes behind the others.",
			args: args{
				zones: []string{zoneA, zoneB, zoneC},
				observed: func() map[kit.Key]kittest.State {
					o := everything()
					o[plan.PrivateSubnet(zoneC)] = id("subnet-c")

					return o
				}(),
				remembered: remembered(),
			},
			want: with(known(), func(f *facts.Facts) {
				f.ZoneIDs, f.PrivateSubnetIDs = []string{zoneA, zoneB, zoneC}, []string{"subnet-a", "subnet-b", "subnet-c"}
			}),
		},
		"AccountFromWhoeverHasIt": {
			reason: "The first ARN that is there tells the account; what is no ARN tells nothing.",
			args:   args{observed: map[kit.Key]kittest.State{plan.ClusterRole: at(map[string]any{"arn": "pending"}), plan.NodeRole: at(map[string]any{"arn": roleARN})}},
			want:   facts.Facts{Account: "123456789012", EgressNAT: plan.NAT},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			zones := tc.args.zones
			if zones == nil {
				zones = []string{zoneA, zoneB}
			}

			got, err := facts.From(newPlan(t, v1alpha1.EgressSingleNAT, zones...), observe(tc.args.observed), tc.args.remembered)
			if err != nil {
				t.Fatalf("%s\nFrom(...): %v", tc.reason, err)
			}

			if diff := cmp.Diff(tc.want, got, others); diff != "" {
				t.Errorf("%s\nFrom(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// others are the facts of parts that have a file and a test of their own.
var others = cmpopts.IgnoreFields(facts.Facts{}, "Capacity", "Image", "Workload", "Edge")

// TestRemembered takes the status of one resource after the other: no fact may
// go that was known once.
func TestRemembered(t *testing.T) {
	for lost := range everything() {
		o := everything()
		o[lost] = kittest.State{}

		got, err := facts.From(newPlan(t, v1alpha1.EgressSingleNAT, zoneA, zoneB), observe(o), remembered())
		if err != nil {
			t.Errorf("status of %s lost: From(...): %v", lost, err)
			continue
		}

		want := known()
		// It is no fact about AWS but about what is seen of it: until it is seen
		// that the route has moved, nothing is taken away.
		want.EgressMoved = lost != plan.NAT && lost != plan.PrivateEgress

		if diff := cmp.Diff(want, got, others); diff != "" {
			t.Errorf("status of %s lost: From(...): -want, +got:\n%s", lost, diff)
		}
	}
}

func TestContradictions(t *testing.T) {
	type args struct {
		zones      []string
		observed   map[kit.Key]kittest.State
		remembered v1alpha1.ComfyUIStudioStatus
	}

	zonesOf := func(ids ...string) v1alpha1.ComfyUIStudioStatus {
		return v1alpha1.ComfyUIStudioStatus{Network: &v1alpha1.NetworkStatus{ZoneIDs: ids}}
	}

	cases := map[string]struct {
		reason string
		args   args
		want   string
	}{
		"OtherAccount": {
			reason: "A provider config that leads elsewhere would make a second studio there.",
			args: args{
				observed:   map[kit.Key]kittest.State{plan.ClusterRole: at(map[string]any{"arn": roleARN})},
				remembered: v1alpha1.ComfyUIStudioStatus{Account: "999999999999"},
			},
			want: "spec.providerConfigRef: it leads to account 123456789012, but the studio is in account 999999999999; point it there again",
		},
		"ClusterElsewhere": {
			reason: "A claim that came back without its resources finds the old cluster by its name; building on it would mix two studios.",
			args: args{observed: map[kit.Key]kittest.State{
				plan.VPC:     id("vpc-2"),
				plan.Cluster: at(map[string]any{"vpcConfig": map[string]any{"vpcId": "vpc-1"}}),
			}},
			want: `resource "cluster-eks": EKS cluster tokyo-128572-cluster exists and lies in vpc-1, not in the studio's vpc-2; see docs/runbooks/restore.md`,
		},
		"ZoneDropped": {
			reason: "Subnets in use do not go, so neither do zones.",
			args:   args{zones: []string{zoneA, zoneB}, remembered: zonesOf(zoneA, zoneB, zoneC)},
			want:   "spec.network.zoneIDs: it must begin with the zones that the studio has, apne1-az1, apne1-az2, apne1-az4; add others behind them",
		},
		"ZonesMoved": {
			reason: "The first zones hold the control plane, so the order counts.",
			args:   args{zones: []string{zoneB, zoneA}, remembered: zonesOf(zoneA, zoneB)},
			want:   "spec.network.zoneIDs: it must begin with the zones that the studio has, apne1-az1, apne1-az2; add others behind them",
		},
		"ZonePutInBetween": {
			reason: "A new zone goes to the end.",
			args:   args{zones: []string{zoneA, zoneC, zoneB}, remembered: zonesOf(zoneA, zoneB)},
			want:   "spec.network.zoneIDs: it must begin with the zones that the studio has, apne1-az1, apne1-az2; add others behind them",
		},
		"WrongStatus": {
			reason: "A status that is not what the provider's types say is an error, not an empty fact.",
			args:   args{observed: map[kit.Key]kittest.State{plan.VPC: at(map[string]any{"id": 7.0})}},
			want:   `cannot read status.atProvider of "network-vpc": json: cannot unmarshal number into Go struct field VPCObservation_2.id of type string`,
		},
		"Everything": {
			reason: "What is wrong is told at once.",
			args: args{
				zones:      []string{zoneB, zoneA},
				observed:   everything(),
				remembered: v1alpha1.ComfyUIStudioStatus{Account: "999999999999", Network: &v1alpha1.NetworkStatus{ZoneIDs: []string{zoneA}}},
			},
			want: "spec.providerConfigRef: it leads to account 123456789012, but the studio is in account 999999999999; point it there again\n" +
				"spec.network.zoneIDs: it must begin with the zones that the studio has, apne1-az1; add others behind them",
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			zones := tc.args.zones
			if zones == nil {
				zones = []string{zoneA, zoneB}
			}

			_, err := facts.From(newPlan(t, v1alpha1.EgressSingleNAT, zones...), observe(tc.args.observed), tc.args.remembered)
			if err == nil {
				t.Fatalf("%s\nFrom(...): want an error, got none", tc.reason)
			}

			if diff := cmp.Diff(tc.want, err.Error()); diff != "" {
				t.Errorf("%s\nFrom(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
