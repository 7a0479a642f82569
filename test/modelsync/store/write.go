package store

import (
	"bytes"
	"context"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// maxCopy is the largest object that CopyObject takes.
const maxCopy = 5 << 30

// PutObject stores an object that came in one piece.
func (s *Store) PutObject(_ context.Context, in s3response.PutObjectInput) (s3response.PutObjectOutput, error) {
	if len(*in.Key) > maxKey {
		return s3response.PutObjectOutput{}, s3err.GetKeyTooLongErr(int64(len(*in.Key)), maxKey)
	}

	c, err := receive(in.Body, *in.ContentLength)
	if err != nil {
		return s3response.PutObjectOutput{}, err
	}

	o := &Object{Key: *in.Key, Content: c, ETag: contentETag(c), Metadata: cloned(in.Metadata)}

	if in.ChecksumAlgorithm != "" {
		want, err := claimed(in.ChecksumAlgorithm, in.ChecksumCRC32, in.ChecksumCRC32C, in.ChecksumCRC64NVME, in.ChecksumSHA1, in.ChecksumSHA256)
		if err != nil {
			return s3response.PutObjectOutput{}, err
		}

		if err := o.check(in.ChecksumAlgorithm, types.ChecksumTypeFullObject, want); err != nil {
			return s3response.PutObjectOutput{}, err
		}
	}

	if err := s.store(*in.Bucket, o, CreatedPut, in.IfMatch, in.IfNoneMatch); err != nil {
		return s3response.PutObjectOutput{}, err
	}

	a, t, sum := o.Checksum()
	out := s3response.PutObjectOutput{ETag: o.ETag, ChecksumType: t}
	*sumField(a, putSums(&out)) = &sum

	return out, nil
}

// CopyObject copies an object. Its ETag is that of one part.
func (s *Store) CopyObject(_ context.Context, in s3response.CopyObjectInput) (s3response.CopyObjectOutput, error) {
	bucket, key, _, err := backend.ParseCopySource(*in.CopySource)
	if err != nil {
		return s3response.CopyObjectOutput{}, err
	}

	source, err := s.find(bucket, key, OperationHead)
	if err != nil {
		return s3response.CopyObjectOutput{}, err
	}

	if err := conditions(source, in.CopySourceIfMatch, in.CopySourceIfNoneMatch, in.CopySourceIfModifiedSince, in.CopySourceIfUnmodifiedSince); err != nil {
		return s3response.CopyObjectOutput{}, err
	}

	if source.archived {
		return s3response.CopyObjectOutput{}, s3err.GetAPIError(s3err.ErrInvalidObjectState)
	}

	if source.Size() > maxCopy {
		return s3response.CopyObjectOutput{}, s3err.GetCopySourceObjectTooLargeErr(maxCopy)
	}

	o := &Object{Key: *in.Key, Content: source.Content, ETag: contentETag(source.Content), Metadata: source.Metadata}

	if in.MetadataDirective == types.MetadataDirectiveReplace {
		o.Metadata = cloned(in.Metadata)
	} else if bucket == *in.Bucket && key == *in.Key {
		return s3response.CopyObjectOutput{}, s3err.GetAPIError(s3err.ErrInvalidCopyDest)
	}

	if err := s.store(*in.Bucket, o, CreatedCopy, nil, nil); err != nil {
		return s3response.CopyObjectOutput{}, err
	}

	return s3response.CopyObjectOutput{CopyObjectResult: &s3response.CopyObjectResult{ETag: &o.ETag, LastModified: &o.Modified}}, nil
}

// DeleteObject deletes an object. One that is not there is no error.
func (s *Store) DeleteObject(_ context.Context, in *s3.DeleteObjectInput) (*s3.DeleteObjectOutput, error) {
	if !s.has(*in.Bucket) {
		return nil, s3err.GetBucketErr(s3err.ErrNoSuchBucket, *in.Bucket)
	}

	s.remove(*in.Bucket, *in.Key, RemovedDelete)

	return &s3.DeleteObjectOutput{}, nil
}

// DeleteObjects deletes up to a thousand objects.
func (s *Store) DeleteObjects(_ context.Context, in *s3.DeleteObjectsInput) (s3response.DeleteResult, error) {
	if !s.has(*in.Bucket) {
		return s3response.DeleteResult{}, s3err.GetBucketErr(s3err.ErrNoSuchBucket, *in.Bucket)
	}

	if n := len(in.Delete.Objects); n == 0 || n > maxPage {
		return s3response.DeleteResult{}, s3err.GetAPIError(s3err.ErrMalformedXML)
	}

	res := s3response.DeleteResult{}

	for _, o := range in.Delete.Objects {
		s.remove(*in.Bucket, *o.Key, RemovedDelete)
		res.Deleted = append(res.Deleted, types.DeletedObject{Key: o.Key})
	}

	return res, nil
}

// store puts an object in its place if the conditions hold at that moment.
func (s *Store) store(name string, o *Object, kind Kind, match, noneMatch *string) error {
	s.mu.Lock()
	defer s.mu.Unlock()

	b := s.buckets[name]
	if b == nil {
		return s3err.GetBucketErr(s3err.ErrNoSuchBucket, name)
	}

	etag, before := "", b.objects[o.Key]
	if before != nil {
		etag = before.ETag
	}

	if err := backend.EvaluateObjectPutPreconditions(etag, match, noneMatch, before != nil); err != nil {
		return err
	}

	s.insert(name, b, o, kind)

	return nil
}

func (s *Store) has(name string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()

	return s.buckets[name] != nil
}

// check computes a checksum, keeps it, and compares it with what the client
// claims, if it does.
func (o *Object) check(a types.ChecksumAlgorithm, t types.ChecksumType, want string) error {
	sum, err := digest(a, o.Content)
	if err != nil {
		return err
	}

	if want != "" && want != sum {
		return s3err.GetChecksumBadDigestErr(a)
	}

	// The front uses the memory of a request's words again.
	o.algorithm, o.sumType, o.sum = types.ChecksumAlgorithm(strings.Clone(string(a))), t, sum

	return nil
}

// receive reads a body whole. Less than was announced is refused.
func receive(body io.Reader, length int64) (Content, error) {
	b := bytes.NewBuffer(make([]byte, 0, length))
	if body != nil {
		if _, err := b.ReadFrom(body); err != nil {
			return nil, err
		}
	}

	if int64(b.Len()) != length {
		return nil, s3err.GetAPIError(s3err.ErrIncompleteBody)
	}

	return Bytes(b.Bytes()), nil
}

// cloned keeps metadata beyond the request, whose memory the front uses again.
func cloned(m map[string]string) map[string]string {
	kept := make(map[string]string, len(m))
	for k, v := range m {
		kept[strings.Clone(k)] = strings.Clone(v)
	}

	return kept
}
