package bucket

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket/buckettest"
)

// newBucket reads a server without waiting between attempts.
func newBucket(s *buckettest.Server, connections int) *Bucket {
	b := New(s.Client(), buckettest.Name, connections)
	b.pause = func(int) time.Duration { return 0 }

	return b
}

func keys(objects []Object) []string {
	out := make([]string, 0, len(objects))
	for _, o := range objects {
		out = append(out, o.Key)
	}

	return out
}

// TestListOddKeys holds that keys come as they are: S3 encodes them as a form does,
// and the SDK leaves that to its callers.
func TestListOddKeys(t *testing.T) {
	s := buckettest.New(t)

	want := []string{" lead", "%2F", "+", "a b", "a&b=c", "a+b", "a\nb", "a\x01b", "a//b", "a/../b", "a\u2028b", "x?y#z", "é/é"}
	slices.Sort(want)

	for _, k := range want {
		s.Put(k, buckettest.Object{Body: []byte(k)})
	}

	got, err := newBucket(s, 4).List(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(want, keys(got)); diff != "" {
		t.Errorf("List(): -want, +got:\n%s", diff)
	}
}

// TestListPages lists the same bucket again and again while it grows and shrinks:
// the second time by pages of the first.
func TestListPages(t *testing.T) {
	s := buckettest.New(t)
	b := newBucket(s, 8)

	check := func(what string) {
		t.Helper()

		got, err := b.List(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}

		want := []string{}
		for k := range s.Bodies() {
			want = append(want, k)
		}

		slices.Sort(want)

		if diff := cmp.Diff(want, keys(got)); diff != "" {
			t.Errorf("%s: List(): -want, +got:\n%s", what, diff)
		}
	}

	check("nothing")

	for i := range 3500 {
		s.Put(fmt.Sprintf("k%06d", i*10), buckettest.Object{})
	}

	check("3500 keys")
	s.Requests()
	check("by pages")

	if n := len(s.Requests()); n != 4 {
		t.Errorf("3500 keys are 4 requests, got %d", n)
	}

	for i := range 1500 {
		s.Put(fmt.Sprintf("k%06d", i*10+1), buckettest.Object{})
	}

	check("a page that became two")

	for i := range 3000 {
		s.Delete(fmt.Sprintf("k%06d", i*10))
	}

	check("pages that became one")
	s.Delete("k030000")
	check("an end that is gone")
}

// TestListFails holds that a listing is all or nothing.
func TestListFails(t *testing.T) {
	cases := map[string]struct {
		reason string
		fault  buckettest.Fault
		// page is the request that fails, counted from one, and for how often.
		page, times int
		want        string
	}{
		"Denied":    {reason: "Without the right there is no listing.", fault: buckettest.Fault{Status: 403, Code: "AccessDenied"}, page: 1, times: 1, want: "access is denied"},
		"NoBucket":  {reason: "A bucket that is gone is no empty bucket.", fault: buckettest.Fault{Status: 404, Code: "NoSuchBucket"}, page: 1, times: 1, want: "NoSuchBucket"},
		"Second":    {reason: "Half a listing would look like deletes.", fault: buckettest.Fault{Status: 500, Code: "InternalError"}, page: 2, times: 1000, want: "InternalError"},
		"Recovered": {reason: "What passes is tried again.", fault: buckettest.Fault{Status: 503, Code: "SlowDown"}, page: 2, times: 3},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := buckettest.New(t)
			s.Page = 2

			for _, k := range []string{"a", "b", "c", "d", "e"} {
				s.Put(k, buckettest.Object{})
			}

			n := 0
			s.Intercept = func(*http.Request) buckettest.Fault {
				if n++; n >= tc.page && n < tc.page+tc.times {
					return tc.fault
				}

				return buckettest.Fault{}
			}

			got, err := newBucket(s, 1).List(t.Context())
			if tc.want == "" && (err != nil || len(got) != 5) {
				t.Errorf("%s\nList(): got %d keys, error %v", tc.reason, len(got), err)
			}

			if tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want) || got != nil) {
				t.Errorf("%s\nList(): want error %q, got %v and %d keys", tc.reason, tc.want, err, len(got))
			}
		})
	}
}
