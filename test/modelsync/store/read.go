package store

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/s3err"
)

// HeadObject tells about an object.
func (s *Store) HeadObject(_ context.Context, in *s3.HeadObjectInput) (*s3.HeadObjectOutput, error) {
	o, err := s.find(*in.Bucket, *in.Key, OperationHead)
	if err != nil {
		return nil, err
	}

	if err := conditions(o, in.IfMatch, in.IfNoneMatch, in.IfModifiedSince, in.IfUnmodifiedSince); err != nil {
		return nil, err
	}

	r, err := rangeOf(o, in.Range, in.PartNumber)
	if err != nil {
		return nil, err
	}

	out := &s3.HeadObjectOutput{
		ETag: &o.ETag, ContentLength: &r.length, ContentRange: r.header, LastModified: &o.Modified,
		Metadata: o.Metadata, AcceptRanges: new("bytes"), PartsCount: r.parts,
	}
	if o.archived {
		out.StorageClass = types.StorageClassGlacier
	}

	if in.ChecksumMode == types.ChecksumModeEnabled && r.header == nil {
		a, t, sum := o.Checksum()
		out.ChecksumType = t
		*sumField(a, headSums(out)) = &sum
	}

	return out, nil
}

// GetObject gives an object, or a range of it, as it is now, however long the
// reader takes.
func (s *Store) GetObject(_ context.Context, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	if s.OnGet != nil {
		s.OnGet(strings.Clone(*in.Bucket), strings.Clone(*in.Key))
	}

	o, err := s.find(*in.Bucket, *in.Key, OperationGet)
	if err != nil {
		return nil, err
	}

	if err := conditions(o, in.IfMatch, in.IfNoneMatch, in.IfModifiedSince, in.IfUnmodifiedSince); err != nil {
		return nil, err
	}

	if o.archived {
		return nil, s3err.GetAPIError(s3err.ErrInvalidObjectState)
	}

	r, err := rangeOf(o, in.Range, in.PartNumber)
	if err != nil {
		return nil, err
	}

	out := &s3.GetObjectOutput{
		Body: io.NopCloser(io.NewSectionReader(o.Content, r.start, r.length)),
		ETag: &o.ETag, ContentLength: &r.length, ContentRange: r.header, LastModified: &o.Modified,
		Metadata: o.Metadata, AcceptRanges: new("bytes"), PartsCount: r.parts,
	}

	if in.ChecksumMode == types.ChecksumModeEnabled && r.header == nil {
		a, t, sum := o.Checksum()
		out.ChecksumType = t
		*sumField(a, getSums(out)) = &sum
	}

	return out, nil
}

func conditions(o *Object, match, noneMatch *string, since, until *time.Time) error {
	return backend.EvaluatePreconditions(o.ETag, o.Modified, backend.PreConditions{
		IfMatch: match, IfNoneMatch: noneMatch, IfModSince: since, IfUnmodeSince: until,
	})
}

type span struct {
	start, length int64
	// header is the Content-Range of a part of the object.
	header *string
	parts  *int32
}

func rangeOf(o *Object, header *string, part *int32) (span, error) {
	if part != nil {
		return partOf(o, int(*part))
	}

	start, length, partial, err := backend.ParseObjectRange(o.Size(), backend.GetStringFromPtr(header))
	if err != nil {
		return span{}, err
	}

	sp := span{start: start, length: length}
	if partial {
		sp.header = new(fmt.Sprintf("bytes %d-%d/%d", start, start+length-1, o.Size()))
	}

	return sp, nil
}

// partOf is the range of one part of a multipart upload. The AWS CLI asks so.
func partOf(o *Object, number int) (span, error) {
	parts := o.parts
	if len(parts) == 0 {
		parts = []int64{o.Size()}
	}

	if number > len(parts) {
		return span{}, s3err.GetInvalidPartNumberRangeErr(int32(len(parts)), int32(number)) //nolint:gosec // At most 10,000.
	}

	sp := span{length: parts[number-1]}
	for _, size := range parts[:number-1] {
		sp.start += size
	}

	if len(o.parts) > 0 {
		sp.parts = new(int32(len(parts))) //nolint:gosec // At most 10,000.
	}

	if sp.length > 0 {
		sp.header = new(fmt.Sprintf("bytes %d-%d/%d", sp.start, sp.start+sp.length-1, o.Size()))
	}

	return sp, nil
}
