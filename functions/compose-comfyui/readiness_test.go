package main

import "testing"

func TestUnfinished(t *testing.T) {
	cases := map[string]struct {
		reason     string
		apiVersion string
		kind       string
		state      string
		want       bool
	}{
		"Creating":  {"A cluster that EKS still makes is not there.", "eks.aws.m.upbound.io/v1beta1", "Cluster", "CREATING", true},
		"Failed":    {"A cluster that EKS gave up is not there.", "eks.aws.m.upbound.io/v1beta1", "Cluster", "FAILED", true},
		"Active":    {"A cluster that is there is there.", "eks.aws.m.upbound.io/v1beta1", "Cluster", "ACTIVE", false},
		"Updating":  {"An upgrade leaves the cluster in service.", "eks.aws.m.upbound.io/v1beta1", "Cluster", "UPDATING", false},
		"Unknown":   {"Without a state the Ready condition alone counts.", "eks.aws.m.upbound.io/v1beta1", "Cluster", "", false},
		"NodeGroup": {"Nodes that failed to join are not there.", "eks.aws.m.upbound.io/v1beta1", "NodeGroup", "CREATE_FAILED", true},
		"OtherKind": {"Other kinds mean other things by status.", "acm.aws.m.upbound.io/v1beta1", "Certificate", "ISSUED", false},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := unfinished(tc.apiVersion, tc.kind, tc.state); got != tc.want {
				t.Errorf("%s\nunfinished(%q, %q, %q): want %t, got %t", tc.reason, tc.apiVersion, tc.kind, tc.state, tc.want, got)
			}
		})
	}
}
