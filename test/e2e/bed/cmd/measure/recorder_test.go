package main

import "testing"

func TestComposable(t *testing.T) {
	cases := map[string]struct {
		reason string
		group  string
		kind   string
		want   bool
	}{
		"ManagedResource": {
			reason: "What stands for something in AWS is composed.",
			group:  "ec2.aws.m.upbound.io", kind: "VPC", want: true,
		},
		"Object": {
			reason: "What lies in the studio's cluster is composed as an Object.",
			group:  "kubernetes.m.crossplane.io", kind: "Object", want: true,
		},
		"Secret": {
			reason: "The studio's Secret is the one composed resource of Kubernetes itself: unseen it counts as never composed.",
			group:  "", kind: "Secret", want: true,
		},
		"Usage": {
			reason: "What protects the order of a deletion is composed.",
			group:  "protection.crossplane.io", kind: "Usage", want: true,
		},
		"ProviderConfigUsage": {
			reason: "Providers write these by themselves.",
			group:  "aws.m.upbound.io", kind: "ProviderConfigUsage",
		},
		"ConfigMap": {
			reason: "Nothing else of Kubernetes is composed.",
			group:  "", kind: "ConfigMap",
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := composable(tc.group, tc.kind); got != tc.want {
				t.Errorf("%s composable(%q, %q): want %t, got %t", tc.reason, tc.group, tc.kind, tc.want, got)
			}
		})
	}
}
