package store

import (
	"crypto/md5" //nolint:gosec // An ETag is an MD5.
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/minio/crc64nvme"
)

// Object is one version of an object.
type Object struct {
	Key      string
	Content  Content
	ETag     string
	Modified time.Time
	Metadata map[string]string

	parts    []int64
	archived bool

	// unchecked objects are from before S3 kept a checksum of every one.
	unchecked bool
	// algorithm is empty where S3 computes a CRC64NVME by itself.
	algorithm types.ChecksumAlgorithm
	sumType   types.ChecksumType
	sum       string
	once      sync.Once
}

// Size is the number of bytes of the object.
func (o *Object) Size() int64 { return o.Content.Size() }

// Checksum is what S3 keeps of the object. It is computed when it is first
// asked for: an object of 20 GB that nobody verifies costs nothing. What was
// stored before 2025 may have none.
func (o *Object) Checksum() (types.ChecksumAlgorithm, types.ChecksumType, string) {
	if o.unchecked {
		return "", "", ""
	}

	if o.algorithm != "" {
		return o.algorithm, o.sumType, o.sum
	}

	o.once.Do(func() { o.sum = crc64(o.Content) })

	return types.ChecksumAlgorithmCrc64nvme, types.ChecksumTypeFullObject, o.sum
}

// Kind is what happened to an object, as S3 calls it in events.
type Kind string

// What S3 tells of the objects of a bucket.
const (
	CreatedPut                     Kind = "ObjectCreated:Put"
	CreatedCopy                    Kind = "ObjectCreated:Copy"
	CreatedCompleteMultipartUpload Kind = "ObjectCreated:CompleteMultipartUpload"
	RemovedDelete                  Kind = "ObjectRemoved:Delete"
	ExpirationDelete               Kind = "LifecycleExpiration:Delete"
)

// Change is one change of a bucket. Of what is deleted, the object has only
// the key.
type Change struct {
	Kind   Kind
	Bucket string
	Object *Object
	Serial uint64
	Time   time.Time
}

func crc64(c Content) string {
	h := crc64nvme.New()
	_, _ = io.Copy(h, io.NewSectionReader(c, 0, c.Size()))

	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

func contentETag(c Content) string {
	h := md5.New() //nolint:gosec // An ETag is an MD5.
	_, _ = io.Copy(h, io.NewSectionReader(c, 0, c.Size()))

	return quoteETag(hex.EncodeToString(h.Sum(nil)))
}

// inventETag makes an ETag that no other object has.
func (s *Store) inventETag(parts int) string {
	s.mu.Lock()
	s.serial++
	sum := md5.Sum(binary.LittleEndian.AppendUint64([]byte("invented"), s.serial)) //nolint:gosec // An ETag is an MD5.
	s.mu.Unlock()

	return quoteETag(fmt.Sprintf("%s-%d", hex.EncodeToString(sum[:]), parts))
}

func quoteETag(s string) string { return `"` + s + `"` }
