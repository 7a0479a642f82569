package mirror

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

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

// TestParts holds that an object which was uploaded in parts is checked by the
// checksum of their checksums, small or large.
func TestParts(t *testing.T) {
	composite := func(body string, size int) string {
		whole, n := checksum.CRC32.New(), 0

		for part := range slices.Chunk([]byte(body), size) {
			h := checksum.CRC32.New()
			_, _ = h.Write(part)
			_, _ = whole.Write(h.Sum(nil))
			n++
		}

		return fmt.Sprintf("%s-%d", checksum.Sum{Algorithm: checksum.CRC32, Value: whole.Sum(nil)}, n)
	}

	for _, size := range []int{900, 5000} {
		body := strings.Repeat("part ", size/5)
		sum := composite(body, 700)

		cases := map[string]struct {
			reason string
			object buckettest.Object
			want   bool
		}{
			"Right":  {reason: "The parts are as they were uploaded.", object: buckettest.Object{Body: []byte(body), Sum: sum, PartSize: 700}, want: true},
			"Wrong":  {reason: "One is not.", object: buckettest.Object{Body: []byte("P" + body[1:]), Sum: sum, PartSize: 700}},
			"Uneven": {reason: "Parts of any size cannot be checked.", object: buckettest.Object{Body: []byte(body), Sum: sum, PartSize: 50}, want: true},
		}

		for name, tc := range cases {
			t.Run(fmt.Sprintf("%s%d", name, size), func(t *testing.T) {
				s := buckettest.New(t)
				m, dir := newMirror(t, s)
				s.Put("k", tc.object)

				if err := m.Pass(t.Context()); err != nil {
					t.Fatal(err)
				}

				if _, got := files(t, dir)["k"]; got != tc.want {
					t.Errorf("%s\nwant there %t, got %t: %v", tc.reason, tc.want, got, m.Status().Refused)
				}
			})
		}
	}
}
