package cloud

import (
	"crypto/md5" //nolint:gosec // what S3 calls an ETag
	"encoding/hex"
	"slices"
	"strings"
)

var (
	kindPublicAccessBlock = Kind{"s3", "BucketPublicAccessBlock"}
	kindOwnership         = Kind{"s3", "BucketOwnershipControls"}
	kindBucketPolicy      = Kind{"s3", "BucketPolicy"}
	kindEncryption        = Kind{"s3", "BucketServerSideEncryptionConfiguration"}
	kindLifecycle         = Kind{"s3", "BucketLifecycleConfiguration"}
	kindVersioning        = Kind{"s3", "BucketVersioning"}
	kindNotification      = Kind{"s3", "BucketNotification"}
	kindObject            = Kind{"s3", "Object"}
)

func s3ConfigRules() []rule {
	config := func(k Kind, check func(*tx) error) rule {
		return rule{
			kind: k, global: true,
			required: []string{"bucket"},
			identity: func(c Call) string { return c.Args.String("bucket") },
			create: func(t *tx) error {
				if t.find(kindBucket, t.args.String("bucket")) == nil {
					return refuse("NoSuchBucket", "The specified bucket does not exist")
				}
				t.res.attrs = Values{"id": t.res.id}
				return check(t)
			},
			update: check,
		}
	}
	return []rule{
		config(kindPublicAccessBlock, func(*tx) error { return nil }),
		config(kindOwnership, checkOwnership),
		config(kindBucketPolicy, checkBucketPolicy),
		config(kindEncryption, checkEncryption),
		config(kindLifecycle, checkLifecycle),
		config(kindVersioning, checkVersioning),
		config(kindNotification, checkNotification),
		{
			kind: kindObject, global: true,
			required: []string{"bucket", "key"},
			identity: func(c Call) string { return joined(c.Args.String("bucket"), "/", c.Args.String("key")) },
			create:   createObject,
			made:     func(t *tx) { t.told(t.args.String("bucket"), t.args.String("key")) },
			update:   checkACL,
		},
	}
}

func oneOf(args Values, path string, allowed ...string) error {
	if v := args.String(path); !slices.Contains(allowed, v) {
		return refuse("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema: %s is %q, not one of %s", path, v, strings.Join(allowed, ", "))
	}
	return nil
}

func checkOwnership(t *tx) error {
	return oneOf(t.args, "rule.objectOwnership", "BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter")
}

func checkVersioning(t *tx) error {
	return oneOf(t.args, "versioningConfiguration.status", "Enabled", "Suspended", "Disabled")
}

func checkEncryption(t *tx) error {
	rules := t.args.List("rule")
	if len(rules) != 1 {
		return refuse("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema: want one encryption rule, got %d", len(rules))
	}
	return oneOf(rules[0], "applyServerSideEncryptionByDefault.sseAlgorithm", "AES256", "aws:kms", "aws:kms:dsse")
}

func checkBucketPolicy(t *tx) error {
	bucket, doc := t.args.String("bucket"), t.args.String("policy")
	if err := checkPolicy(doc, resourcePolicy); err != nil {
		return refuse("MalformedPolicy", "%s", err.(*Refusal).Message) //nolint:errorlint,forcetypeassert // checkPolicy's own
	}
	if len(doc) > maxBucketPolicy {
		return refuse("MalformedPolicy", "The policy exceeds the maximum allowed document size")
	}
	for _, r := range resourcesOf(doc) {
		if r != "arn:aws:s3:::"+bucket && !strings.HasPrefix(r, "arn:aws:s3:::"+bucket+"/") {
			return refuse("MalformedPolicy", "Policy has invalid resource: %s", r)
		}
	}
	block := t.part(kindPublicAccessBlock, bucket)
	if block != nil && block.args.Bool("blockPublicPolicy") && public(doc) {
		return refuse("AccessDenied", "User is not authorized to perform: s3:PutBucketPolicy on resource %q because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access", "arn:aws:s3:::"+bucket)
	}
	return nil
}

// lifecycleActions are what a life cycle rule can do; it must do something.
var lifecycleActions = []string{
	"expiration", "transition", "noncurrentVersionExpiration", "noncurrentVersionTransition", "abortIncompleteMultipartUpload",
}

func checkLifecycle(t *tx) error {
	rules := t.args.List("rule")
	if len(rules) == 0 {
		return refuse("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema: a life cycle needs a rule")
	}
	ids := map[string]bool{}
	for _, r := range rules {
		id := r.String("id")
		switch {
		case len(id) > 255:
			return refuse("InvalidArgument", "ID length should not exceed allowed limit of 255")
		case ids[id]:
			return refuse("InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule")
		}
		ids[id] = true
		if err := oneOf(r, "status", "Enabled", "Disabled"); err != nil {
			return err
		}
		if !slices.ContainsFunc(lifecycleActions, r.Has) {
			return refuse("InvalidRequest", "At least one action needs to be specified in a rule: %s", id)
		}
		// Terraform's s3 life cycle needs a filter or prefix, S3 takes both as
		// mutually exclusive.
		if r.Has("filter") && r.Has("prefix") {
			return refuse("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema: filter and prefix exclude one another")
		}
	}
	return nil
}

// checkNotification validates the destinations, as S3 does at the put.
func checkNotification(t *tx) error {
	bucket := "arn:aws:s3:::" + t.args.String("bucket")
	for _, q := range t.args.List("queue") {
		if !t.queueTakes(q.String("queueArn"), "s3.amazonaws.com", bucket) {
			return refuse("InvalidArgument", "Unable to validate the following destination configurations: %s", q.String("queueArn"))
		}
		if len(q.Strings("events")) == 0 {
			return refuse("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema: a queue configuration needs events")
		}
	}
	return nil
}

func createObject(t *tx) error {
	bucket, key := t.args.String("bucket"), t.args.String("key")
	if t.find(kindBucket, bucket) == nil {
		return refuse("NoSuchBucket", "The specified bucket does not exist")
	}
	if len(key) > 1024 {
		return refuse("KeyTooLongError", "Your key is too long")
	}
	// "You can associate up to 10 tags with an object" (S3 user guide, "Categorizing
	// your storage using tags").
	if tags, _ := t.args.Get("tags").(map[string]any); len(tags) > 10 {
		return refuse("BadRequest", "Object tags cannot be greater than 10")
	}
	if err := checkACL(t); err != nil {
		return err
	}
	t.res.arn = "arn:aws:s3:::" + bucket + "/" + key
	t.res.attrs = Values{
		"arn": t.res.arn, "id": bucket + "/" + key, "etag": etag([]byte(t.args.String("content"))),
		"contentType": "binary/octet-stream", "storageClass": "STANDARD", "acl": "private",
	}
	given(t.res.attrs, t.args, "contentType", "storageClass", "acl", "etag")
	return nil
}

// etag is what S3 calls an object that was put in one part.
func etag(body []byte) string {
	sum := md5.Sum(body) //nolint:gosec // no signature
	return hex.EncodeToString(sum[:])
}

// checkACL refuses ACLs where the bucket's owner is enforced, as in every new
// bucket: "AWS documents only bucket-owner-full-control as accepted". The
// provider sends private when the spec has none.
func checkACL(t *tx) error {
	acl := t.args.String("acl")
	own := t.part(kindOwnership, t.args.String("bucket"))
	enforced := own == nil || own.args.String("rule.objectOwnership") == "BucketOwnerEnforced"
	if enforced && acl != "" && acl != "bucket-owner-full-control" {
		return refuse("AccessControlListNotSupported", "The bucket does not allow ACLs")
	}
	return nil
}
