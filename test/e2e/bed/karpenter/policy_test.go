package karpenter

import "testing"

func TestAllows(t *testing.T) {
	launch := request{
		action: "ec2:RunInstances", resource: "arn:aws:ec2:us-east-1:123456789012:instance/i-1",
		context: map[string][]string{"aws:requestedregion": {"us-east-1"}, "aws:requesttag/karpenter.sh/nodepool": {"gpu"}},
	}

	cases := map[string]struct {
		reason string
		docs   []string
		want   bool
	}{
		"Nothing": {"Without an Allow the answer is no.", nil, false},
		"Exact": {
			"One statement, one action, one resource.",
			[]string{`{"Statement":{"Effect":"Allow","Action":"ec2:RunInstances","Resource":"arn:aws:ec2:us-east-1:123456789012:instance/i-1"}}`},
			true,
		},
		"Glob": {
			"Wildcards go over everything; the case of an action does not count.",
			[]string{`{"Statement":[{"Effect":"Allow","Action":["ec2:run*"],"Resource":["arn:aws:ec2:*:*:instance/?-*"]}]}`},
			true,
		},
		"OtherResource": {
			"A resource that is not named is not allowed.",
			[]string{`{"Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"arn:aws:ec2:*:*:volume/*"}]}`},
			false,
		},
		"Deny": {
			"A Deny wins, wherever it is.",
			[]string{
				`{"Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*"}]}`,
				`{"Statement":[{"Effect":"Deny","NotAction":"ec2:Describe*","Resource":"*"}]}`,
			},
			false,
		},
		"Condition": {
			"Conditions hold when all their keys do.",
			[]string{`{"Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":["eu-west-1","us-east-1"]},"StringLike":{"aws:RequestTag/karpenter.sh/nodepool":"*"}}}]}`},
			true,
		},
		"ConditionFails": {
			"One that does not keeps the statement from applying.",
			[]string{`{"Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"us-east-1","aws:RequestTag/other":"owned"}}}]}`},
			false,
		},
		"Negated": {
			"A negated operator fails when one of its values fits.",
			[]string{`{"Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":["eu-west-1","us-east-1"]}}}]}`},
			false,
		},
		"Unknown": {
			"An operator that is not known allows nothing.",
			[]string{`{"Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*","Condition":{"NumericLessThan":{"aws:RequestedRegion":"1"}}}]}`},
			false,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := allows(tc.docs, launch); got != tc.want {
				t.Errorf("%s\nallows(...): want %t, got %t", tc.reason, tc.want, got)
			}
		})
	}
}

func TestMet(t *testing.T) {
	big, ok := typeNamed("g6.2xlarge")
	if !ok {
		t.Fatal("g6.2xlarge is not known")
	}

	cases := map[string]struct {
		reason string
		r      requirement
		want   bool
	}{
		"Type":       {"Its type.", requirement{"node.kubernetes.io/instance-type", "In", []string{"g5.2xlarge", "g6.2xlarge"}}, true},
		"Family":     {"Its family.", requirement{"karpenter.k8s.aws/instance-family", "NotIn", []string{"g6"}}, false},
		"NVMe":       {"450 GB of instance store are more than 400.", requirement{"karpenter.k8s.aws/instance-local-nvme", "Gt", []string{"400"}}, true},
		"NVMeEqual":  {"And not more than 450.", requirement{"karpenter.k8s.aws/instance-local-nvme", "Gt", []string{"450"}}, false},
		"AtLeast":    {"But at least that.", requirement{"karpenter.k8s.aws/instance-local-nvme", "Gte", []string{"450"}}, true},
		"GPU":        {"Its GPU.", requirement{"karpenter.k8s.aws/instance-gpu-name", "In", []string{"l4"}}, true},
		"Generation": {"Its generation.", requirement{"karpenter.k8s.aws/instance-generation", "Gt", []string{"5"}}, true},
		"Category":   {"Its category.", requirement{"karpenter.k8s.aws/instance-category", "In", []string{"g"}}, true},
		"Absent":     {"What it has no label for is not compared.", requirement{"example.org/own", "Gt", []string{"1"}}, false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := tc.r.met(big.labels()); got != tc.want {
				t.Errorf("%s\n%v.met(...): want %t, got %t", tc.reason, tc.r, tc.want, got)
			}
		})
	}
}
