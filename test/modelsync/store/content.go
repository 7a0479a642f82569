package store

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"slices"
)

// page is how much of a seeded content is repeated between its stamps.
const page = 4096

// Content is what an object holds. It never changes.
type Content interface {
	io.ReaderAt
	Size() int64
}

// Bytes is content that is held in memory.
func Bytes(b []byte) Content { return bytes.NewReader(b) }

// Seeded is size bytes that follow from a seed. Each page of it bears the seed
// and its own number: no other seed, and no other place, has the same page.
func Seeded(seed uint64, size int64) Content {
	s := &seeded{seed: seed, size: size}

	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // What a seed gives must be the same each time.
	for i := 0; i < page; i += 8 {
		binary.LittleEndian.PutUint64(s.pattern[i:], random.Uint64())
	}

	return s
}

// SeedOf tells the seed of a seeded content.
func SeedOf(c Content) (uint64, bool) {
	s, ok := c.(*seeded)
	if !ok {
		return 0, false
	}

	return s.seed, true
}

// SeedIn reads the seed from the beginning of a seeded content, of which there
// must be MinSeeded bytes.
func SeedIn(b []byte) uint64 { return binary.LittleEndian.Uint64(b[8:]) }

// MinSeeded is the least size from which on a seeded content bears its stamp.
const MinSeeded = 24

type seeded struct {
	seed    uint64
	size    int64
	pattern [page]byte
}

func (s *seeded) Size() int64 { return s.size }

func (s *seeded) ReadAt(p []byte, off int64) (int, error) {
	if off >= s.size {
		return 0, io.EOF
	}

	var short error
	if left := s.size - off; int64(len(p)) > left {
		p, short = p[:left], io.EOF
	}

	n := 0
	for n < len(p) {
		number, within := (off+int64(n))/page, (off+int64(n))%page
		if within == 0 && len(p)-n >= page {
			// The common case needs no second copy.
			copy(p[n:], s.pattern[:])
			s.stamp(p[n:], number)
			n += page

			continue
		}

		whole := s.pattern
		s.stamp(whole[:], number)
		n += copy(p[n:], whole[within:])
	}

	return n, short
}

// stamp leaves the first eight bytes, so that the shortest files differ by seed too.
func (s *seeded) stamp(p []byte, number int64) {
	binary.LittleEndian.PutUint64(p[8:], s.seed)
	binary.LittleEndian.PutUint64(p[16:], uint64(number)) //nolint:gosec // Not negative.
}

// joined is the parts of a multipart upload, one after the other.
type joined struct {
	parts []Content
	ends  []int64
}

func join(parts []Content) Content {
	j := &joined{parts: parts}

	var end int64
	for _, p := range parts {
		end += p.Size()
		j.ends = append(j.ends, end)
	}

	return j
}

func (j *joined) Size() int64 {
	if len(j.ends) == 0 {
		return 0
	}

	return j.ends[len(j.ends)-1]
}

func (j *joined) ReadAt(p []byte, off int64) (int, error) {
	n := 0

	for n < len(p) {
		i, found := slices.BinarySearch(j.ends, off+int64(n))
		if found {
			i++
		}

		if i >= len(j.parts) {
			return n, io.EOF
		}

		start := j.ends[i] - j.parts[i].Size()

		m, err := j.parts[i].ReadAt(p[n:min(int64(len(p)), int64(n)+j.ends[i]-off-int64(n))], off+int64(n)-start)
		n += m

		if err != nil && err != io.EOF { //nolint:errorlint // ReadAt returns io.EOF itself.
			return n, err
		}
	}

	return n, nil
}
