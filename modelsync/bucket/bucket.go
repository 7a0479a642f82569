// Package bucket reads a bucket for a mirror of it: the whole listing, what is
// known of one object, and an object's bytes by range, each range of exactly the
// version that was asked for.
//
// It waits and tries again by itself where S3 says that this helps, and asks for
// less at once when S3 is asked for too much. All requests to one bucket share
// that bound, so a fleet's boot settles.
package bucket

import (
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/comfyui-studio/comfyui-studio/modelsync/checksum"
)

// An Object is one line of a listing.
type Object struct {
	Key string
	// ETag and Size tell versions apart. Times do not: S3's have whole seconds, and
	// two versions of one size fit into one.
	ETag string
	Size int64
	// Modified is only for people.
	Modified time.Time
}

// A Head is what is known of one object.
type Head struct {
	Object

	// Sum is the stored checksum of the whole object, if there is one that can be
	// computed here.
	Sum checksum.Sum
	// Composite is that of an object which was uploaded in parts and has none of the
	// whole: the checksum of its parts' checksums.
	Composite checksum.Sum
	// Parts is how many parts a composite checksum is of.
	Parts int
	// SHA256 is what the uploader said, in hex: declared models carry it.
	SHA256 string
}

// A Bucket is read.
type Bucket struct {
	name   string
	client *s3.Client
	limit  *limit
	pause  func(attempt int) time.Duration
	pages  pages
}

// New reads a bucket with at most connections requests at once.
func New(client *s3.Client, name string, connections int) *Bucket {
	return &Bucket{name: name, client: client, limit: newLimit(connections), pause: backoff}
}

// once turns off the SDK's own retries: they would not know of the bound.
func once(o *s3.Options) { o.Retryer = aws.NopRetryer{} }

// version of an ETag as S3 compares it: quotes are part of the header and not of
// the tag.
func version(etag *string) string { return strings.Trim(aws.ToString(etag), `"`) }

// stored reads the checksums of an answer into what is known of the object. One of
// the whole and one of the parts are told apart by the number of parts behind a
// dash.
func (h *Head) stored(sums map[checksum.Algorithm]*string) {
	for _, a := range checksum.Algorithms() {
		text, parts, composite := strings.Cut(aws.ToString(sums[a]), "-")

		s, err := checksum.Parse(a, text)
		if err != nil {
			continue
		}

		if !composite {
			h.Sum = s
			return
		}

		if n, err := strconv.Atoi(parts); err == nil {
			h.Composite, h.Parts = s, n
		}
	}
}
