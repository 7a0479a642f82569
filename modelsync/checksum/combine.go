package checksum

import (
	"encoding/binary"
	"hash/crc32"
)

// nvme is the polynomial of CRC64NVME with its bits reversed, as the NVMe
// specification gives it.
const nvme = 0x9a6c9329ac4bc9b5

// Combine is the sum of two runs of bytes, one after the other. Only the second
// one's length is needed.
func Combine(first, second Sum, length int64) Sum {
	size := len(second.Value)

	sum := shift(polynomial(second.Algorithm), size*8, number(first), length) ^ number(second)

	out := make([]byte, 8)
	binary.BigEndian.PutUint64(out, sum)

	return Sum{Algorithm: second.Algorithm, Value: out[8-size:]}
}

// shift is what sum becomes when length zero bytes follow. Appending one bit is a
// linear map on the bits of a sum, so it is a matrix over two elements, and many
// bits are a power of it: the method of crc32_combine in zlib, by Mark Adler.
func shift(poly uint64, bits int, sum uint64, length int64) uint64 {
	step := oneBit(poly, bits)
	// Three squares make the step of one bit the step of one byte.
	for range 3 {
		step = square(step)
	}

	for ; length > 0; length >>= 1 {
		if length&1 == 1 {
			sum = times(step, sum)
		}

		step = square(step)
	}

	return sum
}

func oneBit(poly uint64, bits int) []uint64 {
	m := make([]uint64, bits)
	m[0] = poly

	for i := 1; i < bits; i++ {
		m[i] = 1 << (i - 1)
	}

	return m
}

func times(m []uint64, v uint64) uint64 {
	var out uint64

	for i := 0; v != 0; i, v = i+1, v>>1 {
		if v&1 == 1 {
			out ^= m[i]
		}
	}

	return out
}

func square(m []uint64) []uint64 {
	out := make([]uint64, len(m))
	for i := range m {
		out[i] = times(m, m[i])
	}

	return out
}

func polynomial(a Algorithm) uint64 {
	switch a { //nolint:exhaustive // The others do not combine.
	case CRC64NVME:
		return nvme
	case CRC32:
		return crc32.IEEE
	case CRC32C:
		return crc32.Castagnoli
	}

	panic("cannot combine sums of " + string(a))
}

func number(s Sum) uint64 {
	wide := make([]byte, 8)
	copy(wide[8-len(s.Value):], s.Value)

	return binary.BigEndian.Uint64(wide)
}
