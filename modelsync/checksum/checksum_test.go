package checksum

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestKnown holds each algorithm to the check value of its own definition: the
// sum of the text 123456789.
func TestKnown(t *testing.T) {
	cases := map[Algorithm]string{
		// The catalogue of parametrised CRC algorithms: CRC-64/NVME, CRC-32/ISO-HDLC,
		// CRC-32/ISCSI.
		CRC64NVME: "CRC64NVME:rosUhgp5mIg=",
		CRC32:     "CRC32:y/Q5Jg==",
		CRC32C:    "CRC32C:4waSgw==",
		SHA256:    "SHA256:FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
	}

	for a, want := range cases {
		if got := of(a, []byte("123456789")).String(); got != want {
			t.Errorf("%s of 123456789: want %s, got %s", a, want, got)
		}
	}
}

// TestCombine cuts bytes at every kind of place.
func TestCombine(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))

	for _, a := range []Algorithm{CRC64NVME, CRC32, CRC32C} {
		for _, length := range []int{0, 1, 2, 7, 8, 9, 255, 256, 257, 4096, 100_003} {
			data := make([]byte, length)
			for i := range data {
				data[i] = byte(random.Uint32())
			}

			for _, cut := range []int{0, 1, length / 3, length / 2, length - 1, length} {
				if cut < 0 || cut > length {
					continue
				}

				got := Combine(of(a, data[:cut]), of(a, data[cut:]), int64(length-cut))
				if want := of(a, data); !got.Matches(want) {
					t.Errorf("%s of %d bytes cut at %d: want %s, got %s", a, length, cut, want, got)
				}
			}
		}
	}
}

// TestText holds that a sum survives being written down.
func TestText(t *testing.T) {
	for _, a := range Algorithms() {
		want := of(a, []byte("model"))
		if got := FromString(want.String()); !got.Matches(want) {
			t.Errorf("FromString(%q): got %q", want, got)
		}
	}

	for _, text := range []string{"", "CRC32", "CRC32:", "CRC32:AAAA", "CRC32:AAAAAAAA", "XXHASH3:AAAAAA==", "CRC32:!!!!"} {
		if got := FromString(text); !got.None() {
			t.Errorf("FromString(%q): want none, got %q", text, got)
		}
	}
}

// TestNone holds that nothing is equal to a sum that is not there.
func TestNone(t *testing.T) {
	if (Sum{}).Matches(Sum{}) {
		t.Error("Two objects without checksums are not the same for that.")
	}
}

func of(a Algorithm, data []byte) Sum {
	h := a.New()
	_, _ = bytes.NewReader(data).WriteTo(h)

	return Sum{Algorithm: a, Value: h.Sum(nil)}
}
