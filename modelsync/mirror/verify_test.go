package mirror

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket"
	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket/buckettest"
	"github.com/comfyui-studio/comfyui-studio/modelsync/checksum"
)

// TestDamaged holds that bytes are checked before anybody sees them.
func TestDamaged(t *testing.T) {
	body := strings.Repeat("0123456789", 250)

	for _, sum := range []string{"CRC64NVME:vd+c0gKnsn4=", "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="} {
		s := buckettest.New(t)
		m, dir := newMirror(t, s)

		s.Put("large", buckettest.Object{Body: []byte(body), Sum: sum})
		pass(t, m, dir, map[string]string{})

		if got := m.Status().Refused; len(got) != 1 || got[0].Reason != errDamaged.Error() {
			t.Errorf("%s: refused: got %v", sum, got)
		}
	}

	// Damaged on the way, once.
	s := buckettest.New(t)
	m, dir := newMirror(t, s)

	h := history{Server: s, versions: map[string][]string{}}
	h.put("large", body)

	n := 0
	s.Intercept = func(r *http.Request) buckettest.Fault {
		if r.Header.Get("Range") != "" {
			n++
		}

		return buckettest.Fault{Flip: n == 2}
	}

	pass(t, m, dir, map[string]string{"large": body})
}

// compositeOf is the checksum of parts' checksums.
func compositeOf(body string, sizes []int) string {
	whole := checksum.CRC32.New()

	for _, size := range sizes {
		h := checksum.CRC32.New()
		_, _ = h.Write([]byte(body[:size]))
		_, _ = whole.Write(h.Sum(nil))
		body = body[size:]
	}

	return fmt.Sprintf("%s-%d", checksum.Sum{Algorithm: checksum.CRC32, Value: whole.Sum(nil)}, len(sizes))
}

// TestParts holds that an object which was uploaded in parts is checked by the
// checksum of their checksums, small or large, whatever sizes they have.
func TestParts(t *testing.T) {
	cases := map[string]struct {
		reason string
		sizes  []int
		// asked is how many parts' sizes are asked for where all is right.
		asked int
	}{
		"Even":      {reason: "One size tells all.", sizes: []int{700, 700, 700, 400}, asked: 1},
		"One":       {reason: "One part is all.", sizes: []int{2500}, asked: 1},
		"Uneven":    {reason: "S3 takes parts of any size: each is asked for.", sizes: []int{50, 1200, 1250}, asked: 4},
		"LooksEven": {reason: "Their number may be that of even ones.", sizes: []int{1000, 1001, 499}, asked: 4},
	}

	for name, tc := range cases {
		for _, rangeSize := range []int64{1000, 10_000} {
			t.Run(fmt.Sprint(name, rangeSize), func(t *testing.T) {
				body := strings.Repeat("part ", 500)
				s := buckettest.New(t)
				m, dir := newMirror(t, s, func(o *Options) { o.RangeSize = rangeSize })

				asked := 0
				s.Intercept = func(r *http.Request) buckettest.Fault {
					if r.URL.Query().Has("partNumber") {
						asked++
					}

					return buckettest.Fault{}
				}

				// In one go, so that nothing is counted at once.
				m.options.Connections = 1
				m.bucket = bucket.New(m.options.Client, m.options.Bucket, 1)

				s.Put("k", buckettest.Object{Body: []byte(body), Sum: compositeOf(body, tc.sizes), Parts: tc.sizes})
				pass(t, m, dir, map[string]string{"k": body})

				if asked != tc.asked {
					t.Errorf("%s\nasked for %d parts, want %d", tc.reason, asked, tc.asked)
				}

				s.Put("k", buckettest.Object{Body: []byte("P" + body[1:]), Sum: compositeOf(body, tc.sizes), Parts: tc.sizes})

				if err := m.Pass(t.Context()); err != nil {
					t.Fatal(err)
				}

				if got := m.Status().Refused; len(got) != 1 || got[0].Reason != errDamaged.Error() {
					t.Errorf("%s\nOne byte is another: refused: got %v", tc.reason, got)
				}
			})
		}
	}

	// A server that tells no sizes.
	body := strings.Repeat("part ", 500)
	s := buckettest.New(t)
	m, dir := newMirror(t, s)

	s.Put("k", buckettest.Object{Body: []byte(body), Sum: compositeOf(body, []int{1000, 1500})})
	pass(t, m, dir, map[string]string{"k": body})
}
