package store

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

const (
	// minPart is the least size of every part but the last.
	minPart = 5 << 20
	// maxPart is the greatest number that a part can have.
	maxPart = 10_000
)

type upload struct {
	bucket, key string
	metadata    map[string]string
	algorithm   types.ChecksumAlgorithm
	sumType     types.ChecksumType
	parts       map[int32]*part
}

type part struct {
	content Content
	etag    string
	sum     string
}

// CreateMultipartUpload begins an upload in parts.
func (s *Store) CreateMultipartUpload(_ context.Context, in s3response.CreateMultipartUploadInput) (s3response.InitiateMultipartUploadResult, error) {
	if !s.has(*in.Bucket) {
		return s3response.InitiateMultipartUploadResult{}, s3err.GetBucketErr(s3err.ErrNoSuchBucket, *in.Bucket)
	}

	if len(*in.Key) > maxKey {
		return s3response.InitiateMultipartUploadResult{}, s3err.GetKeyTooLongErr(int64(len(*in.Key)), maxKey)
	}

	u := &upload{
		bucket: strings.Clone(*in.Bucket), key: strings.Clone(*in.Key), metadata: cloned(in.Metadata),
		algorithm: types.ChecksumAlgorithm(strings.Clone(string(in.ChecksumAlgorithm))), sumType: types.ChecksumType(strings.Clone(string(in.ChecksumType))), parts: map[int32]*part{},
	}

	s.mu.Lock()
	defer s.mu.Unlock()

	s.serial++
	id := "upload-" + strconv.FormatUint(s.serial, 36)
	s.uploads[id] = u

	return s3response.InitiateMultipartUploadResult{Bucket: u.bucket, Key: u.key, UploadId: id}, nil
}

// UploadPart takes one part. A part of the same number replaces it.
func (s *Store) UploadPart(_ context.Context, in *s3.UploadPartInput) (*s3.UploadPartOutput, error) {
	u, err := s.upload(*in.UploadId, *in.Bucket, *in.Key)
	if err != nil {
		return nil, err
	}

	if *in.PartNumber < 1 || *in.PartNumber > maxPart {
		return nil, s3err.GetInvalidArgumentErr(s3err.InvalidArgPartNumber, strconv.Itoa(int(*in.PartNumber)))
	}

	c, err := receive(in.Body, *in.ContentLength)
	if err != nil {
		return nil, err
	}

	p := &part{content: c, etag: contentETag(c)}
	out := &s3.UploadPartOutput{ETag: &p.etag}

	algorithm := u.algorithm
	if in.ChecksumAlgorithm != "" {
		if algorithm != "" && algorithm != in.ChecksumAlgorithm {
			return nil, s3err.GetChecksumTypeMismatchErr(algorithm, in.ChecksumAlgorithm)
		}

		algorithm = in.ChecksumAlgorithm
	}

	if algorithm != "" {
		want, err := claimed(algorithm, in.ChecksumCRC32, in.ChecksumCRC32C, in.ChecksumCRC64NVME, in.ChecksumSHA1, in.ChecksumSHA256)
		if err != nil {
			return nil, err
		}

		if p.sum, err = digest(algorithm, c); err != nil {
			return nil, err
		}

		if want != "" && want != p.sum {
			return nil, s3err.GetChecksumBadDigestErr(algorithm)
		}
	}

	s.mu.Lock()
	defer s.mu.Unlock()

	u.parts[*in.PartNumber] = p

	return out, nil
}

// ListParts tells which parts have come.
func (s *Store) ListParts(_ context.Context, in *s3.ListPartsInput) (s3response.ListPartsResult, error) {
	u, err := s.upload(*in.UploadId, *in.Bucket, *in.Key)
	if err != nil {
		return s3response.ListPartsResult{}, err
	}

	marker := 0
	if m := backend.GetStringFromPtr(in.PartNumberMarker); m != "" {
		if marker, err = strconv.Atoi(m); err != nil {
			return s3response.ListPartsResult{}, s3err.GetInvalidArgumentErr(s3err.InvalidArgPartNumber, m)
		}
	}

	limit := min(int(*in.MaxParts), maxPage)
	res := s3response.ListPartsResult{Bucket: u.bucket, Key: u.key, UploadID: *in.UploadId, PartNumberMarker: marker, MaxParts: limit, ChecksumAlgorithm: u.algorithm, ChecksumType: u.sumType}

	s.mu.RLock()
	defer s.mu.RUnlock()

	for _, number := range slices.Sorted(maps.Keys(u.parts)) {
		if int(number) <= marker {
			continue
		}

		if len(res.Parts) == limit {
			res.IsTruncated = true
			break
		}

		p := u.parts[number]
		listed := s3response.Part{PartNumber: int(number), ETag: p.etag, Size: p.content.Size(), LastModified: s.Clock()}

		// Who goes on with an upload tells by it whether a part is what they have.
		if u.algorithm == types.ChecksumAlgorithmCrc64nvme {
			listed.ChecksumCRC64NVME = &p.sum
		}

		res.Parts = append(res.Parts, listed)
		res.NextPartNumberMarker = int(number)
	}

	return res, nil
}

// AbortMultipartUpload forgets an upload.
func (s *Store) AbortMultipartUpload(_ context.Context, in *s3.AbortMultipartUploadInput) error {
	if _, err := s.upload(*in.UploadId, *in.Bucket, *in.Key); err != nil {
		return err
	}

	s.mu.Lock()
	defer s.mu.Unlock()

	delete(s.uploads, *in.UploadId)

	return nil
}

func (s *Store) upload(id, bucket, key string) (*upload, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()

	u := s.uploads[id]
	if u == nil || u.bucket != bucket || u.key != key {
		return nil, s3err.GetNoSuchUploadErr(id)
	}

	return u, nil
}
