package store

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/s3api/utils"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// sums are the fields of an answer that can hold a checksum. S3 has one field
// for each algorithm, in every type anew.
type sums map[types.ChecksumAlgorithm]**string

func sumField(a types.ChecksumAlgorithm, s sums) **string {
	if f := s[a]; f != nil {
		return f
	}

	return new(*string)
}

// sumsOf are the fields in the order in which S3 has them.
func sumsOf(crc32, crc32c, crc64nvme, sha1, sha256 **string) sums {
	return sums{
		types.ChecksumAlgorithmCrc32: crc32, types.ChecksumAlgorithmCrc32c: crc32c, types.ChecksumAlgorithmCrc64nvme: crc64nvme,
		types.ChecksumAlgorithmSha1: sha1, types.ChecksumAlgorithmSha256: sha256,
	}
}

func headSums(o *s3.HeadObjectOutput) sums {
	return sumsOf(&o.ChecksumCRC32, &o.ChecksumCRC32C, &o.ChecksumCRC64NVME, &o.ChecksumSHA1, &o.ChecksumSHA256)
}

func getSums(o *s3.GetObjectOutput) sums {
	return sumsOf(&o.ChecksumCRC32, &o.ChecksumCRC32C, &o.ChecksumCRC64NVME, &o.ChecksumSHA1, &o.ChecksumSHA256)
}

func putSums(o *s3response.PutObjectOutput) sums {
	return sumsOf(&o.ChecksumCRC32, &o.ChecksumCRC32C, &o.ChecksumCRC64NVME, &o.ChecksumSHA1, &o.ChecksumSHA256)
}

func completeSums(o *s3response.CompleteMultipartUploadResult) sums {
	return sumsOf(&o.ChecksumCRC32, &o.ChecksumCRC32C, &o.ChecksumCRC64NVME, &o.ChecksumSHA1, &o.ChecksumSHA256)
}

// digest computes the checksum of a content.
func digest(a types.ChecksumAlgorithm, c Content) (string, error) {
	if a == types.ChecksumAlgorithmCrc64nvme {
		return crc64(c), nil
	}

	h, err := utils.NewHashReader(io.NewSectionReader(c, 0, c.Size()), "", hashType(a))
	if err != nil {
		return "", err
	}

	if _, err := io.Copy(io.Discard, h); err != nil {
		return "", err
	}

	return h.Sum(), nil
}

// PutParts stores an object as a multipart upload with parts of these sizes leaves
// it that asked for a checksum of their checksums: S3 has none of the whole then.
func (s *Store) PutParts(name, key string, c Content, a types.ChecksumAlgorithm, sizes ...int64) (*Object, error) {
	o := &Object{Key: key, Content: c, parts: sizes, algorithm: a, sumType: types.ChecksumTypeComposite}

	var (
		sums []string
		at   int64
	)

	for _, size := range sizes {
		sum, err := digest(a, io.NewSectionReader(c, at, size))
		if err != nil {
			return nil, err
		}

		sums = append(sums, sum)
		at += size
	}

	if at != c.Size() {
		return nil, fmt.Errorf("parts of %d bytes are no object of %d", at, c.Size())
	}

	var err error
	if o.sum, err = composite(a, sums); err != nil {
		return nil, err
	}

	o.ETag = s.inventETag(len(sizes))
	s.put(name, o, CreatedCompleteMultipartUpload)

	return o, nil
}

// composite is the checksum of the parts' checksums, with their number.
func composite(a types.ChecksumAlgorithm, parts []string) (string, error) {
	joined := []byte{}

	for _, p := range parts {
		raw, err := base64.StdEncoding.DecodeString(p)
		if err != nil {
			return "", err
		}

		joined = append(joined, raw...)
	}

	sum, err := digest(a, Bytes(joined))

	return fmt.Sprintf("%s-%d", sum, len(parts)), err
}

func hashType(a types.ChecksumAlgorithm) utils.HashType {
	return utils.HashType(strings.ToLower(string(a)))
}

// claimed is the checksum that came with a request, if any.
func claimed(a types.ChecksumAlgorithm, crc32, crc32c, crc64nvme, sha1, sha256 *string) (string, error) {
	f := sumsOf(&crc32, &crc32c, &crc64nvme, &sha1, &sha256)[a]
	if f == nil {
		return "", s3err.GetAPIError(s3err.ErrInvalidChecksumAlgorithm)
	}

	if *f == nil {
		return "", nil
	}

	return **f, nil
}
