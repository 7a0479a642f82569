package bucket

import (
	"bytes"
	"errors"
	"hash/crc32"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket/buckettest"
	"github.com/comfyui-studio/comfyui-studio/modelsync/checksum"
)

// sink is memory to write to.
type sink struct {
	bytes []byte
	full  error
}

func (s *sink) WriteAt(b []byte, at int64) (int, error) {
	if s.full != nil {
		return 0, s.full
	}

	return copy(s.bytes[at:], b), nil
}

var text = strings.Repeat("0123456789", 100)

func TestRange(t *testing.T) {
	errFull := errors.New("full")

	cases := map[string]struct {
		reason string
		// before is called for each GET, counted from one.
		before   func(s *buckettest.Server, n int) buckettest.Fault
		full     error
		err      error
		requests []string
	}{
		"Plain": {
			reason:   "A range is one request.",
			requests: []string{"GET k bytes=100-899"},
		},
		"CutOff": {
			reason: "What was cut off goes on where it was cut.",
			before: func(_ *buckettest.Server, n int) buckettest.Fault {
				return buckettest.Fault{Cut: map[int]int{1: 300, 2: 100}[n]}
			},
			requests: []string{"GET k bytes=100-899", "GET k bytes=400-899", "GET k bytes=500-899"},
		},
		"SlowDown": {
			reason: "Being refused for the crowd passes.",
			before: func(_ *buckettest.Server, n int) buckettest.Fault {
				return map[int]buckettest.Fault{1: {Status: 503, Code: "SlowDown"}}[n]
			},
			requests: []string{"GET k bytes=100-899", "GET k bytes=100-899"},
		},
		"Replaced": {
			reason: "Not one byte of another version, however alike.",
			before: func(s *buckettest.Server, _ int) buckettest.Fault {
				s.Put("k", buckettest.Object{Body: []byte(strings.ToUpper(text))})
				return buckettest.Fault{}
			},
			err:      ErrChanged,
			requests: []string{"GET k bytes=100-899"},
		},
		"ReplacedInTheMiddle": {
			reason: "Also when the first half is there already.",
			before: func(s *buckettest.Server, n int) buckettest.Fault {
				if n == 2 {
					s.Put("k", buckettest.Object{Body: []byte(strings.ToUpper(text))})
				}

				return buckettest.Fault{Cut: map[int]int{1: 300}[n]}
			},
			err:      ErrChanged,
			requests: []string{"GET k bytes=100-899", "GET k bytes=400-899"},
		},
		"Shorter": {
			reason: "A range that lies beyond the end is of another version.",
			before: func(*buckettest.Server, int) buckettest.Fault {
				return buckettest.Fault{Status: 416, Code: "InvalidRange"}
			},
			err:      ErrChanged,
			requests: []string{"GET k bytes=100-899"},
		},
		"Deleted": {
			reason: "Gone is gone.",
			before: func(s *buckettest.Server, _ int) buckettest.Fault {
				s.Delete("k")
				return buckettest.Fault{}
			},
			err:      ErrAbsent,
			requests: []string{"GET k bytes=100-899"},
		},
		"Archived": {
			reason: "What must be restored first is not read.",
			before: func(*buckettest.Server, int) buckettest.Fault {
				return buckettest.Fault{Status: 403, Code: "InvalidObjectState"}
			},
			err:      ErrArchived,
			requests: []string{"GET k bytes=100-899"},
		},
		"Denied": {
			reason: "A key that the node may not use.",
			before: func(*buckettest.Server, int) buckettest.Fault {
				return buckettest.Fault{Status: 403, Code: "AccessDenied"}
			},
			err:      ErrDenied,
			requests: []string{"GET k bytes=100-899"},
		},
		"NoKey": {
			reason: "Nor can anything that is encrypted with a key that is disabled.",
			before: func(*buckettest.Server, int) buckettest.Fault {
				return buckettest.Fault{Status: 400, Code: "KMS.DisabledException"}
			},
			err:      ErrDenied,
			requests: []string{"GET k bytes=100-899"},
		},
		"DiskFull": {
			reason:   "A full disk is not S3's, and asking again does not help.",
			full:     errFull,
			err:      errFull,
			requests: []string{"GET k bytes=100-899"},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := buckettest.New(t)
			s.Put("k", buckettest.Object{Body: []byte(text), ETag: "one"})

			n := 0
			s.Intercept = func(*http.Request) buckettest.Fault {
				n++
				if tc.before == nil {
					return buckettest.Fault{}
				}

				return tc.before(s, n)
			}

			w := &sink{bytes: make([]byte, 1000), full: tc.full}
			sum := crc32.NewIEEE()

			err := newBucket(s, 1).Range(t.Context(), Object{Key: "k", ETag: "one", Size: 1000}, 100, 900, w, sum, make([]byte, 64))
			if !errors.Is(err, tc.err) {
				t.Errorf("%s\nRange(): want error %v, got %v", tc.reason, tc.err, err)
			}

			if diff := cmp.Diff(tc.requests, s.Requests()); diff != "" {
				t.Errorf("%s\nrequests: -want, +got:\n%s", tc.reason, diff)
			}

			if tc.err != nil {
				return
			}

			if want := text[100:900]; string(w.bytes[100:900]) != want || sum.Sum32() != crc32.ChecksumIEEE([]byte(want)) {
				t.Errorf("%s\nRange(): got %q, sum %x", tc.reason, w.bytes, sum.Sum32())
			}

			if rest := bytes.Trim(append(w.bytes[:100:100], w.bytes[900:]...), "\x00"); len(rest) > 0 {
				t.Errorf("%s\nRange() wrote beside its range: %q", tc.reason, rest)
			}
		})
	}
}

// TestRangeAnother holds an answer to what was asked for.
func TestRangeAnother(t *testing.T) {
	s := buckettest.New(t)
	s.Put("k", buckettest.Object{Body: []byte(text), ETag: "one"})
	s.Intercept = func(r *http.Request) buckettest.Fault {
		r.Header.Set("Range", "bytes=0-799")
		return buckettest.Fault{}
	}

	w := &sink{bytes: make([]byte, 1000)}

	err := newBucket(s, 1).Range(t.Context(), Object{Key: "k", ETag: "one", Size: 1000}, 100, 900, w, crc32.NewIEEE(), make([]byte, 64))
	if err == nil || !strings.Contains(err.Error(), `asked for "bytes 100-899/" and got "bytes 0-799/1000"`) {
		t.Errorf("Bytes of another place must not be taken: got %v", err)
	}
}

func TestWhole(t *testing.T) {
	sum := func(a checksum.Algorithm) checksum.Sum {
		h := a.New()
		_, _ = h.Write([]byte(text))

		return checksum.Sum{Algorithm: a, Value: h.Sum(nil)}
	}

	cases := map[string]struct {
		reason string
		stored string
		want   checksum.Sum
		sum    checksum.Sum
	}{
		"CRC32":     {reason: "The bytes' sum is by the stored one's algorithm.", stored: sum(checksum.CRC32).String(), want: sum(checksum.CRC32), sum: sum(checksum.CRC32)},
		"SHA256":    {reason: "Whatever it is.", stored: sum(checksum.SHA256).String(), want: sum(checksum.SHA256), sum: sum(checksum.SHA256)},
		"None":      {reason: "Old objects have none.", sum: sum(checksum.CRC64NVME)},
		"Composite": {reason: "A checksum of checksums says nothing of the whole.", stored: "CRC32:y/Q5Jg==-3", sum: sum(checksum.CRC64NVME)},
		"Unknown":   {reason: "What cannot be computed here is not compared.", stored: "XXHASH3:AAAAAAAAAAA=", sum: sum(checksum.CRC64NVME)},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := buckettest.New(t)
			s.Put("k", buckettest.Object{Body: []byte(text), ETag: "one", Sum: tc.stored})

			n := 0
			s.Intercept = func(*http.Request) buckettest.Fault {
				// Cut off once: the sum is of the second attempt alone.
				if n++; n == 1 {
					return buckettest.Fault{Cut: 500}
				}

				return buckettest.Fault{}
			}

			w := &sink{bytes: make([]byte, 1000)}

			head, got, err := newBucket(s, 1).Whole(t.Context(), Object{Key: "k", ETag: "one", Size: 1000}, w, make([]byte, 64))
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(tc.want.String(), head.Sum.String()); diff != "" {
				t.Errorf("%s\nstored: -want, +got:\n%s", tc.reason, diff)
			}

			if diff := cmp.Diff(tc.sum, got); diff != "" || string(w.bytes) != text {
				t.Errorf("%s\nbytes: -want, +got:\n%s\n%q", tc.reason, diff, w.bytes)
			}
		})
	}
}

func TestHead(t *testing.T) {
	s := buckettest.New(t)
	s.Put("k", buckettest.Object{Body: []byte("abc"), ETag: "one-2", SHA256: "aa", Sum: "CRC32:AAAAAA=="})

	b := newBucket(s, 1)

	got, err := b.Head(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}

	want := Head{
		Object: Object{Key: "k", ETag: "one-2", Size: 3, Modified: got.Modified}, SHA256: "aa",
		Sum: checksum.Sum{Algorithm: checksum.CRC32, Value: []byte{0, 0, 0, 0}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Head(): -want, +got:\n%s", diff)
	}

	cases := map[string]struct {
		reason string
		fault  buckettest.Fault
		want   error
		not    error
	}{
		"Absent":    {reason: "The only proof of a delete.", fault: buckettest.Fault{Status: 404}, want: ErrAbsent, not: ErrDenied},
		"Denied":    {reason: "No proof of anything.", fault: buckettest.Fault{Status: 403}, want: ErrDenied, not: ErrAbsent},
		"Broken":    {reason: "Nor is this.", fault: buckettest.Fault{Status: 500}, not: ErrAbsent},
		"Elsewhere": {reason: "Nor a bucket in another region.", fault: buckettest.Fault{Status: 301}, not: ErrAbsent},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s.Intercept = func(*http.Request) buckettest.Fault { return tc.fault }

			_, err := b.Head(t.Context(), "k")
			if err == nil || tc.want != nil && !errors.Is(err, tc.want) || errors.Is(err, tc.not) {
				t.Errorf("%s\nHead(): want %v, got %v", tc.reason, tc.want, err)
			}
		})
	}
}
