package storage

import (
	s3 "github.com/upbound/provider-aws/v2/apis/namespaced/s3/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/bucket"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// rules are what the claim says of old objects.
func rules(settings plan.Bucket) []s3.BucketLifecycleConfigurationRuleParameters {
	var out []s3.BucketLifecycleConfigurationRuleParameters

	if d := settings.ExpireAfterDays; d > 0 {
		out = append(out, s3.BucketLifecycleConfigurationRuleParameters{
			ID:         new("expire"),
			Status:     new("Enabled"),
			Filter:     bucket.Everything(),
			Expiration: []s3.RuleExpirationParameters{{Days: new(float64(d))}},
		})
	}

	if d := settings.ArchiveAfterDays; d > 0 {
		out = append(out, s3.BucketLifecycleConfigurationRuleParameters{
			ID:     new("archive"),
			Status: new("Enabled"),
			Filter: bucket.Everything(),
			Transition: []s3.RuleTransitionParameters{{
				Days: new(float64(d)),
				// Read at once like standard storage, at a fifth of its price.
				StorageClass: new("GLACIER_IR"),
			}},
		})
	}

	return out
}
