package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const role = `
apiVersion: iam.aws.m.upbound.io/v1beta1
kind: Role
metadata: {name: tokyo-sync, annotations: {crossplane.io/external-name: tokyo-sync-role}}
spec: {forProvider: {description: Syncs, assumeRolePolicy: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"pods.eks.amazonaws.com"},"Action":["sts:AssumeRole"]}]}'}}
`

func inline(policy string) string {
	return role + `---
apiVersion: iam.aws.m.upbound.io/v1beta1
kind: RolePolicy
metadata: {name: tokyo-policy}
spec: {forProvider: {roleRef: {name: tokyo-sync}, policy: '` + policy + `'}}
`
}

func TestGenerate(t *testing.T) {
	resources := inline(`{"Version":"2012-10-17","Statement":[{"Sid":"Read","Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::models"],"Condition":{"StringEquals":{"aws:SourceAccount":["123456789012"]}}}]}`) + `---
apiVersion: iam.aws.m.upbound.io/v1beta1
kind: RolePolicyAttachment
metadata: {name: tokyo-attachment}
spec: {forProvider: {roleRef: {name: tokyo-sync}, policyArn: arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy}}
---
apiVersion: eks.aws.m.upbound.io/v1beta1
kind: PodIdentityAssociation
metadata: {name: tokyo-identity}
spec: {forProvider: {roleArnRef: {name: tokyo-sync}, namespace: kube-system, serviceAccount: sync}}
---
apiVersion: s3.aws.m.upbound.io/v1beta1
kind: BucketPolicy
metadata: {name: tokyo-bucket}
spec: {forProvider: {policy: '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":"*"},"Action":["s3:*"],"Resource":["arn:aws:s3:::models"]}]}'}}
`

	got, err := Generate([]byte(resources), []byte("By hand.\n"+begin+"old\n"+end+"Also by hand.\n"))
	if err != nil {
		t.Fatal(err)
	}

	want := "By hand.\n" + begin + `
## Roles

| role | for | assumed by |
|---|---|---|
| [¬tokyo-sync-role¬](#tokyo-sync-role) | Syncs | ¬pods.eks.amazonaws.com¬, for the service account ¬kube-system/sync¬ |

### tokyo-sync-role

Syncs. Assumed by ¬pods.eks.amazonaws.com¬, for the service account ¬kube-system/sync¬.

Policies of AWS: ¬AmazonEKS_CNI_Policy¬.

| | actions | resources | when |
|---|---|---|---|
| Allow Read | ¬s3:GetObject¬<br>¬s3:ListBucket¬ | ¬arn:aws:s3:::models¬ | ¬aws:SourceAccount¬ StringEquals ¬123456789012¬ |

## Policies of resources

### Bucket models

| | actions | resources | when |
|---|---|---|---|
| Deny<br>¬*¬ | ¬s3:*¬ | ¬arn:aws:s3:::models¬ |  |

` + end + "Also by hand.\n"
	if diff := cmp.Diff(strings.ReplaceAll(want, "¬", "`"), string(got)); diff != "" {
		t.Errorf("Generate(...): -want, +got:\n%s", diff)
	}
}

func TestGenerateRefuses(t *testing.T) {
	marks := begin + end

	cases := map[string]struct {
		reason         string
		resources, doc string
		want           string
	}{
		"NoBegin":  {reason: "A document has marks.", resources: role, doc: end, want: "no mark where the generated part begins"},
		"NoEnd":    {reason: "Both of them.", resources: role, doc: begin, want: "no mark where the generated part ends"},
		"NoRole":   {reason: "Resources without a role are not a studio's.", doc: marks, want: "the resources hold no role"},
		"Version":  {reason: "A document of another version means something else by its variables.", resources: inline(`{"Version":"2008-10-17","Statement":[{"Effect":"Allow"}]}`), doc: marks, want: "RolePolicy tokyo-policy: its policy is none of version 2012-10-17"},
		"Unknown":  {reason: "What is not understood is not left out.", resources: inline(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":["a:b"]}]}`), doc: marks, want: `unknown field "NotAction"`},
		"Stranger": {reason: "Nor is a policy of a role that is not there.", resources: strings.Replace(inline(`{}`), "roleRef: {name: tokyo-sync}", "roleRef: {name: other}", 1), doc: marks, want: `it names the role "other", which is not there`},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := Generate([]byte(tc.resources), []byte(tc.doc))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s\nGenerate(...): want an error that says %q, got %v", tc.reason, tc.want, err)
			}
		})
	}
}
