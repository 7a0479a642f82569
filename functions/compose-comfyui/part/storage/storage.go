// Package storage composes the studio's buckets: models, inputs, outputs, each
// closed to the public, encrypted, TLS only, and kept when the studio goes
// unless the claim says otherwise. It waits for the account id, which is part of
// the buckets' names.
package storage

import (
	xpv1 "github.com/crossplane/crossplane-runtime/v2/apis/common/v1"
	s3 "github.com/upbound/provider-aws/v2/apis/namespaced/s3/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/policy"
)

func init() { //nolint:gochecknoinits // composed.From finds types through a global scheme.
	kit.Register(s3.AddToScheme)
}

// Compose adds the buckets.
func Compose(p plan.Plan, _ facts.Facts, d *kit.Desired) {
	for _, name := range plan.BucketNames() {
		b := bucket{plan: p, name: name, settings: p.Buckets[name], desired: d}
		b.itself()
		b.closed()
		b.encrypted()
		b.tlsOnly()
		b.lifecycle()
	}
}

// bucket adds the resources that one bucket is made of.
type bucket struct {
	plan     plan.Plan
	name     plan.BucketName
	settings plan.Bucket
	desired  *kit.Desired
}

func (b bucket) itself() {
	policies := b.policies()
	if b.settings.Adopt != "" {
		// A name with a slip in it must not make a bucket.
		policies = without(policies, xpv1.ManagementActionCreate)
	}

	o := &s3.Bucket{Spec: s3.BucketSpec{ForProvider: s3.BucketParameters{
		// A bucket with something in it cannot be deleted otherwise.
		ForceDestroy: new(b.settings.Delete),
	}}}
	o.SetManagementPolicies(policies)
	b.add(plan.BucketItself, o)
}

func (b bucket) closed() {
	access := &s3.BucketPublicAccessBlock{Spec: s3.BucketPublicAccessBlockSpec{ForProvider: s3.BucketPublicAccessBlockParameters{
		BucketRef:             b.ref(),
		BlockPublicAcls:       new(true),
		BlockPublicPolicy:     new(true),
		IgnorePublicAcls:      new(true),
		RestrictPublicBuckets: new(true),
	}}}
	access.SetManagementPolicies(b.policies())
	b.add(plan.BucketAccess, access)

	ownership := &s3.BucketOwnershipControls{Spec: s3.BucketOwnershipControlsSpec{ForProvider: s3.BucketOwnershipControlsParameters{
		BucketRef: b.ref(),
		Rule:      &s3.BucketOwnershipControlsRuleParameters{ObjectOwnership: new("BucketOwnerEnforced")},
	}}}
	ownership.SetManagementPolicies(b.policies())
	b.add(plan.BucketOwnership, ownership)
}

func (b bucket) encrypted() {
	o := &s3.BucketServerSideEncryptionConfiguration{Spec: s3.BucketServerSideEncryptionConfigurationSpec{ForProvider: s3.BucketServerSideEncryptionConfigurationParameters{
		BucketRef: b.ref(),
		Rule: []s3.BucketServerSideEncryptionConfigurationRuleParameters{{
			ApplyServerSideEncryptionByDefault: &s3.RuleApplyServerSideEncryptionByDefaultParameters{SseAlgorithm: new("AES256")},
		}},
	}}}
	o.SetManagementPolicies(b.policies())
	b.add(plan.BucketEncryption, o)
}

func (b bucket) tlsOnly() {
	o := &s3.BucketPolicy{Spec: s3.BucketPolicySpec{ForProvider: s3.BucketPolicyParameters{
		BucketRef: b.ref(),
		Policy:    new(policy.TLSOnly(b.plan.BucketARN(b.name))),
	}}}
	o.SetManagementPolicies(b.policies())
	b.add(plan.BucketTLS, o)
}

func (b bucket) ref() *xpv1.NamespacedReference {
	return b.desired.Ref(plan.BucketKey(b.name, plan.BucketItself))
}

func (b bucket) add(a plan.Aspect, o kit.Object) {
	b.desired.AddWhen(kit.Needs(b.plan.BucketName(b.name), "the account id"), plan.BucketKey(b.name, a), o)
}

// policies keep what people made. What a kept bucket is protected by stays with
// it. Every reduced policy holds LateInitialize: without it the provider never
// stores an id that AWS made, and makes a second resource after a restart.
func (b bucket) policies() xpv1.ManagementPolicies {
	if b.settings.Delete {
		return xpv1.ManagementPolicies{xpv1.ManagementActionAll}
	}

	return xpv1.ManagementPolicies{
		xpv1.ManagementActionCreate, xpv1.ManagementActionObserve,
		xpv1.ManagementActionUpdate, xpv1.ManagementActionLateInitialize,
	}
}

func without(policies xpv1.ManagementPolicies, drop xpv1.ManagementAction) xpv1.ManagementPolicies {
	if len(policies) == 1 {
		policies = xpv1.ManagementPolicies{
			xpv1.ManagementActionCreate, xpv1.ManagementActionObserve, xpv1.ManagementActionUpdate,
			xpv1.ManagementActionDelete, xpv1.ManagementActionLateInitialize,
		}
	}

	var out xpv1.ManagementPolicies

	for _, a := range policies {
		if a != drop {
			out = append(out, a)
		}
	}

	return out
}
