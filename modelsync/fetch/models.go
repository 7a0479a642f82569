package fetch

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// sha256Key is the metadata by which an object is known to be ours and whole. S3
// itself keeps no SHA-256 of what was uploaded in parts.
const sha256Key = "sha256"

// there says whether the declared file is in the bucket. Anything else under its
// name is somebody's own.
func (f *Fetcher) there(ctx context.Context, file File) (bool, error) {
	out, err := f.Client.HeadObject(ctx, &s3.HeadObjectInput{
		Bucket: new(f.Models), Key: new(file.Path), ChecksumMode: types.ChecksumModeEnabled,
	})
	if err == nil {
		if aws.ToInt64(out.ContentLength) == file.Size && (out.Metadata[sha256Key] == file.SHA256 || sameContent(out, file)) {
			return true, nil
		}

		return false, refuse(Conflict, "the bucket holds another file there")
	}

	switch statusOf(err) {
	case http.StatusNotFound:
		return false, nil
	case http.StatusForbidden:
		return false, refuse(Denied, "the models bucket refuses: %w", err)
	default:
		return false, refuse(Bucket, "the models bucket cannot be asked: %w", err)
	}
}

// sameContent is for what somebody uploaded by hand, in one piece and with a
// SHA-256 for S3 to check: it is what was declared.
func sameContent(out *s3.HeadObjectOutput, file File) bool {
	sum, err := base64.StdEncoding.DecodeString(aws.ToString(out.ChecksumSHA256))
	return err == nil && out.ChecksumType == types.ChecksumTypeFullObject && hex.EncodeToString(sum) == file.SHA256
}

// metadata is what an object of ours says of itself. S3 takes ASCII alone, and two
// kilobytes of it.
func metadata(file File) map[string]string {
	out := map[string]string{sha256Key: file.SHA256}

	u, err := url.Parse(file.URL)
	if err != nil {
		return out
	}

	// Without its query, which may be a secret, and escaped.
	if from := redacted(u); len(from) <= 1024 {
		out["source"] = from
	}

	return out
}

// writing is what became of a write to the models bucket.
func writing(err error) error {
	if statusOf(err) == http.StatusForbidden {
		return refuse(Denied, "the models bucket refuses: %w", err)
	}

	return refuse(Bucket, "the models bucket cannot be written: %w", err)
}
