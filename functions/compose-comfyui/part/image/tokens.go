package image

import (
	xpv1 "github.com/crossplane/crossplane-runtime/v2/apis/common/v1"
	secretsmanager "github.com/upbound/provider-aws/v2/apis/namespaced/secretsmanager/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// tokens carries the bearer tokens of gated models to where the build reads them.
// The function never sees one: the provider reads the claim's Secret and writes
// the value to AWS, and the build asks for it by name. A value that changes under
// its key is not carried again: Terraform would make another version in place of
// the one that there is, which the provider refuses.
func tokens(p plan.Plan, d *kit.Desired) {
	wanted := map[kit.Key]bool{}

	for _, t := range p.ModelTokens() {
		itself, value := plan.Token(t.Hash), plan.TokenValue(t.Hash)
		wanted[itself], wanted[value] = true, true

		d.Add(itself, &secretsmanager.Secret{Spec: secretsmanager.SecretSpec{ForProvider: secretsmanager.SecretParameters{
			Name:        new(t.Name),
			Description: new("A token for models that the studio fetches"),
			// Otherwise its name stays taken for a month.
			RecoveryWindowInDays: new(0.0),
		}}})

		d.Add(value, &secretsmanager.SecretVersion{Spec: secretsmanager.SecretVersionSpec{ForProvider: secretsmanager.SecretVersionParameters{
			SecretIDRef: d.Ref(itself),
			SecretStringSecretRef: &xpv1.LocalSecretKeySelector{
				LocalSecretReference: xpv1.LocalSecretReference{Name: t.From.Name}, Key: t.From.Key,
			},
		}}})
	}

	for _, k := range d.Observed().Family(plan.TokenValues) {
		if !wanted[k] {
			d.RemoveAfter(k)
		}
	}

	for _, k := range d.Observed().Family(plan.Tokens) {
		if !wanted[k] {
			d.RemoveAfter(k, plan.TokenValueOf(k))
		}
	}
}
