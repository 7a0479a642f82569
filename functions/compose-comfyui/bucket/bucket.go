// Package bucket composes a bucket as every bucket of a studio is: closed to the
// public, owned by the account alone, encrypted, TLS only, and rid of what broken
// uploads leave behind. All of it waits for the bucket's name, which holds the
// account id.
package bucket

import (
	xpv1 "github.com/crossplane/crossplane-runtime/v2/apis/common/v1"
	s3 "github.com/upbound/provider-aws/v2/apis/namespaced/s3/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/policy"
)

func init() { //nolint:gochecknoinits // composed.From finds types through a global scheme.
	kit.Register(s3.AddToScheme)
}

// A Bucket is one of the studio's buckets.
type Bucket struct {
	// Key is the key of the bucket or of one of its settings.
	Key func(a plan.Aspect) kit.Key
	// Name is the bucket's name and ARN its ARN, empty until the account is known.
	Name, ARN string
	// Delete takes the bucket and what is in it along with the studio.
	Delete bool
	// Adopted buckets are never made.
	Adopted bool
	// Rules are life-cycle rules beside the one that every bucket has.
	Rules []s3.BucketLifecycleConfigurationRuleParameters
}

// Add adds the bucket and its settings.
func (b Bucket) Add(d *kit.Desired) {
	b.itself(d)
	b.closed(d)
	b.encrypted(d)
	b.tlsOnly(d)
	b.lifecycle(d)
}

// Gate waits for the bucket's name.
func (b Bucket) Gate() kit.Gate { return kit.Needs(b.Name, "the account id") }

func (b Bucket) itself(d *kit.Desired) {
	policies := b.policies()
	if b.Adopted {
		// A name with a slip in it must not make a bucket.
		policies = without(policies, xpv1.ManagementActionCreate)
	}

	o := &s3.Bucket{Spec: s3.BucketSpec{ForProvider: s3.BucketParameters{
		// A bucket with something in it cannot be deleted otherwise.
		ForceDestroy: new(b.Delete),
	}}}
	o.SetManagementPolicies(policies)
	b.add(d, plan.BucketItself, o)
}

func (b Bucket) closed(d *kit.Desired) {
	access := &s3.BucketPublicAccessBlock{Spec: s3.BucketPublicAccessBlockSpec{ForProvider: s3.BucketPublicAccessBlockParameters{
		BucketRef:             b.ref(d),
		BlockPublicAcls:       new(true),
		BlockPublicPolicy:     new(true),
		IgnorePublicAcls:      new(true),
		RestrictPublicBuckets: new(true),
	}}}
	access.SetManagementPolicies(b.policies())
	b.add(d, plan.BucketAccess, access)

	ownership := &s3.BucketOwnershipControls{Spec: s3.BucketOwnershipControlsSpec{ForProvider: s3.BucketOwnershipControlsParameters{
		BucketRef: b.ref(d),
		Rule:      &s3.BucketOwnershipControlsRuleParameters{ObjectOwnership: new("BucketOwnerEnforced")},
	}}}
	ownership.SetManagementPolicies(b.policies())
	b.add(d, plan.BucketOwnership, ownership)
}

func (b Bucket) encrypted(d *kit.Desired) {
	o := &s3.BucketServerSideEncryptionConfiguration{Spec: s3.BucketServerSideEncryptionConfigurationSpec{ForProvider: s3.BucketServerSideEncryptionConfigurationParameters{
		BucketRef: b.ref(d),
		Rule: []s3.BucketServerSideEncryptionConfigurationRuleParameters{{
			ApplyServerSideEncryptionByDefault: &s3.RuleApplyServerSideEncryptionByDefaultParameters{SseAlgorithm: new("AES256")},
		}},
	}}}
	o.SetManagementPolicies(b.policies())
	b.add(d, plan.BucketEncryption, o)
}

func (b Bucket) tlsOnly(d *kit.Desired) {
	o := &s3.BucketPolicy{Spec: s3.BucketPolicySpec{ForProvider: s3.BucketPolicyParameters{
		BucketRef: b.ref(d),
		Policy:    new(policy.TLSOnly(b.ARN)),
	}}}
	o.SetManagementPolicies(b.policies())
	b.add(d, plan.BucketTLS, o)
}

func (b Bucket) ref(d *kit.Desired) *xpv1.NamespacedReference {
	return d.Ref(b.Key(plan.BucketItself))
}

func (b Bucket) add(d *kit.Desired, a plan.Aspect, o kit.Object) {
	d.AddWhen(b.Gate(), b.Key(a), o)
}

// policies keep what people made. What a kept bucket is protected by stays with
// it. Every reduced policy holds LateInitialize: without it the provider never
// stores an id that AWS made, and makes a second resource after a restart.
func (b Bucket) policies() xpv1.ManagementPolicies {
	if b.Delete {
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
