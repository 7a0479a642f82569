// Package checksum has the checksums that S3 stores of whole objects. Those that
// are cyclic can be put together from the checksums of ranges, so an object that
// is fetched by ranges, in any order, is checked without being read again.
package checksum

import (
	"crypto/md5"  //nolint:gosec // S3 stores it; it guards against damage, not against people.
	"crypto/sha1" //nolint:gosec // As above.
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"hash/crc32"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/minio/crc64nvme"
)

// An Algorithm has S3's own name.
type Algorithm string

// The algorithms that can be computed here. S3 knows XXHASH3 and XXHASH128 too.
const (
	CRC64NVME Algorithm = "CRC64NVME"
	CRC32     Algorithm = "CRC32"
	CRC32C    Algorithm = "CRC32C"
	SHA256    Algorithm = "SHA256"
	SHA512    Algorithm = "SHA512"
	SHA1      Algorithm = "SHA1"
	XXHash64  Algorithm = "XXHASH64"
	MD5       Algorithm = "MD5"
)

// Algorithms are all of them, the fastest first.
func Algorithms() []Algorithm {
	return []Algorithm{CRC64NVME, CRC32C, CRC32, XXHash64, SHA1, SHA256, SHA512, MD5}
}

// A Sum is the checksum of bytes.
type Sum struct {
	Algorithm Algorithm
	Value     []byte
}

// Parse reads a sum as S3 writes it.
func Parse(a Algorithm, text string) (Sum, error) {
	v, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return Sum{}, fmt.Errorf("cannot read checksum %s %q: %w", a, text, err)
	}

	if size := a.New().Size(); len(v) != size {
		return Sum{}, fmt.Errorf("cannot read checksum %s %q: it has %d bytes and not %d", a, text, len(v), size)
	}

	return Sum{Algorithm: a, Value: v}, nil
}

// New starts a sum.
func (a Algorithm) New() hash.Hash {
	switch a {
	case CRC64NVME:
		return crc64nvme.New()
	case CRC32:
		return crc32.NewIEEE()
	case CRC32C:
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case SHA256:
		return sha256.New()
	case SHA512:
		return sha512.New()
	case SHA1:
		return sha1.New() //nolint:gosec // As above.
	case XXHash64:
		return xxhash.New()
	case MD5:
		return md5.New() //nolint:gosec // As above.
	}

	panic("no checksum " + string(a))
}

// Combines says whether sums of ranges can be put together.
func (a Algorithm) Combines() bool {
	return a == CRC64NVME || a == CRC32 || a == CRC32C
}

// None says that there is no sum.
func (s Sum) None() bool { return s.Algorithm == "" }

// Matches says whether two sums are of one algorithm and of one value. No sum is
// equal to none.
func (s Sum) Matches(other Sum) bool {
	return !s.None() && s.Algorithm == other.Algorithm && string(s.Value) == string(other.Value)
}

// String is the algorithm, a colon and the value as S3 writes it.
func (s Sum) String() string {
	if s.None() {
		return ""
	}

	return string(s.Algorithm) + ":" + base64.StdEncoding.EncodeToString(s.Value)
}

// FromString reads what String wrote. What is not one is no sum.
func FromString(text string) Sum {
	a, v, ok := strings.Cut(text, ":")
	if !ok {
		return Sum{}
	}

	if slices.Contains(Algorithms(), Algorithm(a)) {
		if s, err := Parse(Algorithm(a), v); err == nil {
			return s
		}
	}

	return Sum{}
}
