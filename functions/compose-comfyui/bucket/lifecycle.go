package bucket

import (
	s3 "github.com/upbound/provider-aws/v2/apis/namespaced/s3/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// abortUploadsAfterDays frees what a broken upload left behind: its parts are
// billed and no listing shows them.
const abortUploadsAfterDays = 7

func (b Bucket) lifecycle(d *kit.Desired) {
	rules := append([]s3.BucketLifecycleConfigurationRuleParameters{{
		ID:     new("abort-uploads"),
		Status: new("Enabled"),
		Filter: Everything(),
		AbortIncompleteMultipartUpload: []s3.AbortIncompleteMultipartUploadParameters{{
			DaysAfterInitiation: new(float64(abortUploadsAfterDays)),
		}},
	}}, b.Rules...)

	o := &s3.BucketLifecycleConfiguration{Spec: s3.BucketLifecycleConfigurationSpec{ForProvider: s3.BucketLifecycleConfigurationParameters{
		BucketRef: b.ref(d),
		Rule:      rules,
	}}}
	o.SetManagementPolicies(b.policies())
	b.add(d, plan.BucketLifecycle, o)
}

// Everything is the empty filter. A rule without any counts as one of the old
// form, with a prefix. It stays empty: an empty prefix in it would not survive
// the way to the API server, which drops pointers to empty strings.
func Everything() []s3.RuleFilterParameters { return []s3.RuleFilterParameters{{}} }
