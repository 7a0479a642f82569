package cloud

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

var kindBucket = Kind{"s3", "Bucket"}

// hostedZones are S3's website zones, by region ("Amazon S3 endpoints").
var hostedZones = map[string]string{
	"ap-northeast-1": "Z2M4EHUR26P7ZW", "us-east-1": "Z3AQBSTGFYJSTF", "us-west-2": "Z3BJ6K6RIION7M", "eu-west-1": "Z1BKCTXD74EZPE", "eu-central-1": "Z21DNDUVLTQW6Q",
}

func s3Rules() []rule {
	return []rule{{
		kind: kindBucket, global: true,
		identity: func(c Call) string { return c.Name },
		exists: func(*tx) error {
			return refuse("BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.")
		},
		refused: func(t *tx) error {
			if slices.Contains(t.foreign, t.call.ID) {
				return refuse("Forbidden", "Forbidden (HeadBucket %s: 403)", t.call.ID)
			}
			return nil
		},
		create: createBucket,
		read:   readBucket,
		remove: removeBucket,
	}}
}

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

func createBucket(t *tx) error {
	name := t.call.Name
	_, ip := netip.ParseAddr(name)
	if !bucketName.MatchString(name) || strings.Contains(name, "..") || ip == nil ||
		strings.HasPrefix(name, "xn--") || strings.HasSuffix(name, "-s3alias") {
		return refuse("InvalidBucketName", "The specified bucket is not valid: %s", name)
	}
	if slices.Contains(t.foreign, name) {
		return refuse("BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.")
	}
	region := t.call.region()
	t.res.arn = "arn:aws:s3:::" + name
	t.res.attrs = Values{
		"arn": t.res.arn, "id": name, "bucketRegion": region, "hostedZoneId": hostedZones[region],
		"bucketDomainName":         name + ".s3.amazonaws.com",
		"bucketRegionalDomainName": name + ".s3." + region + ".amazonaws.com",
		"grant": []any{map[string]any{
			"id": "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a", "permissions": []any{"FULL_CONTROL"}, "type": "CanonicalUser", "uri": "",
		}},
	}
	return nil
}

// part finds a bucket's configuration of a kind.
func (t *tx) part(k Kind, bucket string) *record { return t.find(k, bucket) }

func readBucket(t *tx) {
	a := t.res.attrs
	a["policy"] = ""
	if p := t.part(kindBucketPolicy, t.res.id); p != nil {
		a["policy"] = p.args.String("policy")
	}
	a["serverSideEncryptionConfiguration"] = map[string]any{"rule": map[string]any{
		"applyServerSideEncryptionByDefault": map[string]any{"sseAlgorithm": "AES256"}, "bucketKeyEnabled": false,
	}}
	if e := t.part(kindEncryption, t.res.id); e != nil {
		for _, r := range e.args.List("rule") {
			a.Set("serverSideEncryptionConfiguration.rule", map[string]any(r.Copy()))
		}
	}
	a["versioning"] = map[string]any{"enabled": false, "mfaDelete": false}
	if v := t.part(kindVersioning, t.res.id); v != nil {
		a.Set("versioning.enabled", v.args.String("versioningConfiguration.status") == "Enabled")
	}
	delete(a, "lifecycleRule")
}

// removeBucket refuses while there are objects, unless they go too.
func removeBucket(t *tx) error {
	for o := range t.each(kindObject) {
		if o.args.String("bucket") != t.res.id {
			continue
		}
		if !t.args.Bool("forceDestroy") {
			return refuse("BucketNotEmpty", "The bucket you tried to delete is not empty")
		}
		t.drop(o, t.now)
	}
	for _, k := range []Kind{kindPublicAccessBlock, kindOwnership, kindBucketPolicy, kindEncryption, kindLifecycle, kindVersioning, kindNotification} {
		if r := t.part(k, t.res.id); r != nil {
			t.drop(r, t.now)
		}
	}
	return nil
}

// PutObject puts an object into a bucket as somebody else than a managed
// resource does: a person, a build.
func (a *AWS) PutObject(bucket, key string, body []byte, metadata map[string]string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.clock.Now()
	a.advance(now)
	return a.at("", now).putObject(bucket, key, body, metadata)
}

func (t *tx) putObject(bucket, key string, body []byte, metadata map[string]string) error {
	args := Values{"bucket": bucket, "key": key}
	b := t.find(kindBucket, bucket)
	if b == nil {
		return refuse("NoSuchBucket", "The specified bucket does not exist")
	}
	args["region"] = b.region
	o := &tx{AWS: t.AWS, call: Call{Kind: kindObject, Args: args}, args: args, now: t.now, res: &record{
		kind: kindObject, id: bucket + "/" + key, region: b.region, args: args, attrs: Values{},
		created: t.now, active: t.now, hidden: true, retained: true,
	}}
	if err := createObject(o); err != nil {
		return err
	}
	meta := map[string]any{}
	for k, v := range metadata {
		meta[strings.ToLower(k)] = v
	}
	o.res.attrs["metadata"] = meta
	o.res.attrs["etag"] = etag(body)
	if old := o.find(kindObject, o.res.id); old != nil {
		old.attrs = o.res.attrs
	} else {
		t.add(o.res)
	}
	o.told(bucket, key)
	return nil
}

// EmptyBucket removes all objects of a bucket.
func (a *AWS) EmptyBucket(bucket string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := &tx{AWS: a, now: a.clock.Now()}
	for o := range t.each(kindObject) {
		if o.args.String("bucket") == bucket {
			t.drop(o, t.now)
		}
	}
}
