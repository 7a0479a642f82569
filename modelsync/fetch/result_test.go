package fetch

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMarker(t *testing.T) {
	cases := map[string]struct {
		results []Result
		running bool
		want    map[string]string
	}{
		"Done":    {results: []Result{{Place: 0}, {Place: 1}}, want: map[string]string{"state": "done", "present": "2", "failures": ""}},
		"Partial": {results: []Result{{Place: 0}, {Place: 1, Failure: Conflict}, {Place: 2, Failure: Gated}}, want: map[string]string{"state": "partial", "present": "1", "failures": "1:conflict,2:gated"}},
		"Running": {results: []Result{{Place: 4, Failure: Size}}, running: true, want: map[string]string{"state": "fetching", "present": "0", "failures": "4:size"}},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Marker(tc.results, tc.running)); diff != "" {
				t.Errorf("Marker(...): -want, +got:\n%s", diff)
			}
		})
	}
}

// TestMarkerFits holds that all of the most files that a claim may declare fit
// what S3 takes of metadata, with the longest code there is.
func TestMarkerFits(t *testing.T) {
	var longest Code

	for _, c := range []Code{Conflict, Checksum, Size, Page, Changed, Gated, Token, NoToken, Missing, Busy, Unreachable, Insecure, Source, Denied, Bucket, Stopped} {
		if len(c) > len(longest) {
			longest = c
		}
	}

	var all []Result
	for i := range 128 {
		all = append(all, Result{Place: i, Failure: longest})
	}

	n := 0
	for k, v := range Marker(all, false) {
		n += len(k) + len(v)
	}

	if n > 2048 {
		t.Errorf("S3 takes 2048 bytes of metadata, not %d.", n)
	}
}
