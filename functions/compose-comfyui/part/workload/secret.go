package workload

import (
	xpv1 "github.com/crossplane/crossplane-runtime/v2/apis/common/v1"
	ssm "github.com/upbound/provider-aws/v2/apis/namespaced/ssm/v1beta1"
	corev1 "k8s.io/api/core/v1"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/policy"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/role"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/secrets"
)

// secret is the only place that holds the seed. A seed that was drawn a moment
// ago goes into it and nowhere else: the next run may draw another, until one
// was observed.
func secret(f facts.Facts, d *kit.Desired) {
	seed := f.Workload.Seed
	if seed == "" {
		seed = f.Workload.DrawnSeed
	}

	if seed == "" {
		d.AddWhen(kit.Needs("", "a seed"), plan.StudioSecret, &corev1.Secret{})
		return
	}

	d.Add(plan.StudioSecret, &corev1.Secret{Type: corev1.SecretTypeOpaque, Data: secrets.Data(seed)})
}

// parameters bring secrets to the front door, by the provider, which reads them
// where they lie. An object in the cluster would not do: provider-kubernetes
// writes what it fills a manifest with into the Object's own spec, for everyone
// to read who may read Objects (crossplane-contrib/provider-kubernetes#223).
func parameters(p plan.Plan, d *kit.Desired) {
	d.Add(plan.FrontDoorSecret, parameter("What the studio's front door knows people by", d.Ref(plan.StudioSecret).Name, secrets.KeyFrontDoor))

	if ref := p.Access.APITokensSecretRef; ref != nil {
		d.Add(plan.FrontDoorTokens, parameter("Tokens of the studio's programs", ref.Name, ref.Key))
	} else {
		d.RemoveAfter(plan.FrontDoorTokens)
	}

	if p.Access.Login == v1alpha1.LoginOIDC && p.Access.OIDC != nil {
		ref := p.Access.OIDC.ClientSecretRef
		d.Add(plan.FrontDoorOIDC, parameter("The studio's secret at its OpenID Connect provider", ref.Name, ref.Key))
	} else {
		d.RemoveAfter(plan.FrontDoorOIDC)
	}
}

func parameter(description, secret, key string) *ssm.Parameter {
	return &ssm.Parameter{Spec: ssm.ParameterSpec{ForProvider: ssm.ParameterParameters_2{
		Description: &description,
		// Encrypted with the account's own key for Systems Manager, whose policy lets
		// everyone decrypt who may read the parameter.
		Type: new("SecureString"),
		ValueSecretRef: &xpv1.LocalSecretKeySelector{
			LocalSecretReference: xpv1.LocalSecretReference{Name: secret},
			Key:                  key,
		},
	}}}
}

// identity lets the front door read the studio's parameters and what nodes say of
// their models, and do nothing else in AWS. Servers have no identity there at all.
func identity(p plan.Plan, d *kit.Desired) {
	d.Add(plan.FrontDoorRole, role.New("The studio's front door", policy.AssumedByPods()))

	var arns []string
	for _, what := range plan.Parameters() {
		arns = append(arns, p.ParameterARN(what))
	}

	d.AddWhen(kit.Needs(p.Account, "the account id"), plan.FrontDoorPolicy, role.Policy(d, plan.FrontDoorRole, policy.Document(policy.Statement{
		Sid: "ReadSecrets", Effect: policy.Allow, Action: []string{"ssm:GetParameter"}, Resource: arns,
	}, policy.Statement{
		Sid: "ListNodes", Effect: policy.Allow, Action: []string{"s3:ListBucket"}, Resource: []string{p.ArtefactARN()},
		Condition: policy.Condition{"StringEquals": {"s3:prefix": {plan.NodeStatusPrefix}}},
	}, policy.Statement{
		Sid: "ReadNodes", Effect: policy.Allow, Action: []string{"s3:GetObject"}, Resource: []string{p.ArtefactARN() + "/" + plan.NodeStatusPrefix + "*"},
	})))

	d.AddWhen(kit.After(plan.FrontDoorPolicy), plan.FrontDoorIdentity, role.ForPods(d, plan.FrontDoorRole, plan.StudioNamespace, plan.FrontDoorName))
}
