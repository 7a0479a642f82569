package policy_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/policy"
)

// TestDocuments compares the JSON to the byte. Terraform compares some documents
// as text, and one that differs in a space is updated for ever.
func TestDocuments(t *testing.T) {
	cases := map[string]struct {
		reason string
		got    string
		want   string
	}{
		"AssumedBy": {
			reason: "A service takes on a role by one action.",
			got:    policy.AssumedBy("eks.amazonaws.com"),
			want:   `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"eks.amazonaws.com"},"Action":["sts:AssumeRole"]}]}`,
		},
		"AssumedByPods": {
			reason: "Pod Identity also tags its sessions, and is refused without being allowed to.",
			got:    policy.AssumedByPods(),
			want:   `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"pods.eks.amazonaws.com"},"Action":["sts:AssumeRole","sts:TagSession"]}]}`,
		},
		"TLSOnly": {
			reason: "Plain HTTP is refused to everyone, for the bucket and for what is in it.",
			got:    policy.TLSOnly("arn:aws:s3:::models"),
			want: `{"Version":"2012-10-17","Statement":[{"Sid":"TLSOnly","Effect":"Deny","Principal":{"AWS":"*"},"Action":["s3:*"],` +
				`"Resource":["arn:aws:s3:::models","arn:aws:s3:::models/*"],"Condition":{"Bool":{"aws:SecureTransport":["false"]}}}]}`,
		},
		"Conditions": {
			reason: "Statements and lists keep the order they are given in; conditions are sorted; what is empty is left out.",
			got: policy.Document(
				policy.Statement{Sid: "B", Effect: policy.Allow, Action: []string{"z:Z", "a:A"}, Resource: []string{"*"}, Condition: policy.Condition{
					"StringLike":   {"z": {"1"}, "a": {"2", "1"}},
					"StringEquals": {"k": {"v"}},
				}},
				policy.Statement{Sid: "A", Effect: policy.Deny, Action: []string{"b:B"}},
			),
			want: `{"Version":"2012-10-17","Statement":[` +
				`{"Sid":"B","Effect":"Allow","Action":["z:Z","a:A"],"Resource":["*"],"Condition":{"StringEquals":{"k":["v"]},"StringLike":{"a":["2","1"],"z":["1"]}}},` +
				`{"Sid":"A","Effect":"Deny","Action":["b:B"]}]}`,
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.got); diff != "" {
				t.Errorf("%s\nDocument(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
