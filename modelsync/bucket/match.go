//go:build !naive_match

package bucket

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// match makes a request be refused for any version but o. Without it the ranges of
// a file that is replaced meanwhile are of two versions.
func match(o Object) *string { return aws.String(`"` + o.ETag + `"`) }

// isVersion holds an answer to it once more: not every server knows If-Match.
func isVersion(answer *s3.GetObjectOutput, o Object) error {
	if version(answer.ETag) != o.ETag {
		return ErrChanged
	}

	return nil
}
