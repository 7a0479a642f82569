package provider

import "github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"

var bucket = cloud.Kind{Service: "s3", Name: "Bucket"}

func s3Kinds() []kind {
	// part is a bucket's configuration of its own kind; its external name is
	// the bucket's.
	part := func(name, plural string, documents ...string) kind {
		return kind{
			Kind: cloud.Kind{Service: "s3", Name: name}, plural: plural, naming: bySpec, untagged: true,
			refs:  []reference{{field: "bucket", to: bucket, extract: byStatus("id")}},
			fixed: []string{"bucket"}, documents: documents,
		}
	}
	lifecycle := part("BucketLifecycleConfiguration", "bucketlifecycleconfigurations")
	lifecycle.identityBug = true
	// Only this one takes the bucket's external name and does not wait.
	lifecycle.refs = []reference{{field: "bucket", to: bucket}}
	notification := part("BucketNotification", "bucketnotifications")
	notification.refs = append(notification.refs, reference{field: "queue[].queueArn", to: cloud.Kind{Service: "sqs", Name: "Queue"}, extract: arn})
	return []kind{
		{
			Kind: bucket, plural: "buckets", naming: byObject,
			documents: []string{"policy"},
		},
		part("BucketPublicAccessBlock", "bucketpublicaccessblocks"),
		part("BucketOwnershipControls", "bucketownershipcontrols"),
		part("BucketPolicy", "bucketpolicies", "policy"),
		part("BucketServerSideEncryptionConfiguration", "bucketserversideencryptionconfigurations"),
		lifecycle,
		part("BucketVersioning", "bucketversionings"),
		notification,
		{
			Kind: cloud.Kind{Service: "s3", Name: "Object"}, plural: "objects", naming: bySpec,
			refs:   []reference{{field: "bucket", to: bucket, extract: byStatus("id")}},
			late:   []string{"acl", "storageClass"},
			fixed:  []string{"bucket", "key"},
			inject: map[string]any{"acl": "private"},
			unread: []string{"content", "source", "contentBase64"},
		},
	}
}
