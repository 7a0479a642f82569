package store

import (
	"context"
	"crypto/md5" //nolint:gosec // An ETag is an MD5.
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// CompleteMultipartUpload makes an object of the parts.
func (s *Store) CompleteMultipartUpload(_ context.Context, in *s3.CompleteMultipartUploadInput) (s3response.CompleteMultipartUploadResult, string, error) {
	u, err := s.upload(*in.UploadId, *in.Bucket, *in.Key)
	if err != nil {
		return s3response.CompleteMultipartUploadResult{}, "", err
	}

	o, err := s.assemble(u, in)
	if err != nil {
		return s3response.CompleteMultipartUploadResult{}, "", err
	}

	if err := s.store(u.bucket, o, CreatedCompleteMultipartUpload, in.IfMatch, in.IfNoneMatch); err != nil {
		return s3response.CompleteMultipartUploadResult{}, "", err
	}

	s.mu.Lock()
	delete(s.uploads, *in.UploadId)
	s.mu.Unlock()

	a, t, sum := o.Checksum()
	res := s3response.CompleteMultipartUploadResult{Bucket: in.Bucket, Key: in.Key, ETag: &o.ETag, ChecksumType: &t}
	*sumField(a, completeSums(&res)) = &sum

	return res, "", nil
}

func (s *Store) assemble(u *upload, in *s3.CompleteMultipartUploadInput) (*Object, error) {
	s.mu.RLock()
	chosen, err := choose(u, *in.UploadId, in.MultipartUpload.Parts)
	s.mu.RUnlock()

	if err != nil {
		return nil, err
	}

	var (
		contents []Content
		sizes    []int64
		partSums []string
	)

	h := md5.New() //nolint:gosec // An ETag is an MD5.

	for _, p := range chosen {
		contents, sizes, partSums = append(contents, p.content), append(sizes, p.content.Size()), append(partSums, p.sum)

		raw, err := hex.DecodeString(strings.Trim(p.etag, `"`))
		if err != nil {
			return nil, err
		}

		_, _ = h.Write(raw)
	}

	o := &Object{Key: u.key, Content: join(contents), parts: sizes, Metadata: u.metadata, ETag: quoteETag(fmt.Sprintf("%s-%d", hex.EncodeToString(h.Sum(nil)), len(chosen)))}

	if in.MpuObjectSize != nil && *in.MpuObjectSize != o.Size() {
		return nil, s3err.GetIncorrectMpObjectSizeErr(*in.MpuObjectSize, o.Size())
	}

	return o, o.sumUp(u, in, partSums)
}

func choose(u *upload, id string, asked []types.CompletedPart) ([]*part, error) {
	if len(asked) == 0 {
		return nil, s3err.GetAPIError(s3err.ErrMalformedXML)
	}

	if !slices.IsSortedFunc(asked, func(a, b types.CompletedPart) int {
		if *a.PartNumber == *b.PartNumber {
			// The same twice is out of order as well.
			return 1
		}

		return int(*a.PartNumber - *b.PartNumber)
	}) {
		return nil, s3err.GetAPIError(s3err.ErrInvalidPartOrder)
	}

	chosen := make([]*part, 0, len(asked))

	for i, a := range asked {
		p := u.parts[*a.PartNumber]
		if p == nil || strings.Trim(p.etag, `"`) != strings.Trim(backend.GetStringFromPtr(a.ETag), `"`) {
			return nil, s3err.GetInvalidPartErr(id, *a.PartNumber, backend.GetStringFromPtr(a.ETag))
		}

		if i < len(asked)-1 && p.content.Size() < minPart {
			return nil, s3err.GetEntityTooSmallErr(p.content.Size(), minPart)
		}

		chosen = append(chosen, p)
	}

	return chosen, nil
}

// sumUp gives the object the checksum that the upload was begun with.
func (o *Object) sumUp(u *upload, in *s3.CompleteMultipartUploadInput, parts []string) error {
	if in.ChecksumType != "" && u.sumType != "" && in.ChecksumType != u.sumType {
		return s3err.GetChecksumTypeMismatchOnMpErr(u.sumType)
	}

	a, t := u.algorithm, u.sumType
	if a == "" {
		a = types.ChecksumAlgorithmCrc64nvme
	}

	if t == "" || a == types.ChecksumAlgorithmCrc64nvme {
		t = types.ChecksumTypeFullObject
	}

	want, err := claimed(a, in.ChecksumCRC32, in.ChecksumCRC32C, in.ChecksumCRC64NVME, in.ChecksumSHA1, in.ChecksumSHA256)
	if err != nil {
		return err
	}

	if t == types.ChecksumTypeFullObject {
		return o.check(a, t, want)
	}

	sum, err := composite(a, parts)
	if err != nil {
		return err
	}

	if want != "" && want != sum {
		return s3err.GetChecksumBadDigestErr(a)
	}

	o.algorithm, o.sumType, o.sum = a, t, sum

	return nil
}
