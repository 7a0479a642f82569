package workcluster

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTokens(t *testing.T) {
	now := 100 * time.Hour
	mine := newTokens(func() time.Duration { return now })
	other := newTokens(func() time.Duration { return now })

	token := mine.issue(15 * time.Minute)
	if !strings.HasPrefix(token, "k8s-aws-v1.") {
		t.Errorf("issue(...): want a token like EKS's, got %q", token)
	}

	cases := map[string]struct {
		reason        string
		authorization string
		after         time.Duration
		want          bool
	}{
		"Fresh": {
			reason:        "A token that was just issued lets in.",
			authorization: "Bearer " + token,
			want:          true,
		},
		"NearlyOld": {
			reason:        "It holds to the end of its fifteen minutes.",
			authorization: "Bearer " + token,
			after:         15*time.Minute - time.Second,
			want:          true,
		},
		"Old": {
			reason:        "After them EKS does not know it.",
			authorization: "Bearer " + token,
			after:         15 * time.Minute,
		},
		"OtherCluster": {
			reason:        "A token names the cluster it was issued for.",
			authorization: "Bearer " + other.issue(15*time.Minute),
		},
		"MadeUp": {
			reason:        "Nobody can make one up.",
			authorization: "Bearer k8s-aws-v1.aaaa",
		},
		"NoBearer": {
			reason:        "A token by itself is no authorization.",
			authorization: token,
		},
		"None": {
			reason: "Nor is none.",
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			defer func(before time.Duration) { now = before }(now)

			now += tc.after

			if diff := cmp.Diff(tc.want, mine.valid(tc.authorization)); diff != "" {
				t.Errorf("\n%s\nvalid(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
