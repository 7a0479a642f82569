package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseStat(t *testing.T) {
	const rest = " S 1 4242 4242 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 12 0 99 1000000 2500 18446744073709551615"

	type want struct {
		Group  int
		CPU    time.Duration
		Memory float64
	}

	cases := map[string]struct {
		reason string
		line   string
		want   want
		fails  bool
	}{
		"Plain":  {reason: "CPU is user and system time, memory is resident pages.", line: "77 (core)" + rest, want: want{4242, 2 * time.Second, 10.24}},
		"Spaces": {reason: "A name may hold spaces and parentheses.", line: "77 (a b) c)" + rest, want: want{4242, 2 * time.Second, 10.24}},
		"Short":  {reason: "Half a line is no answer.", line: "77 (core) S 1 2", fails: true},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			group, u, err := parseStat(tc.line)
			if (err != nil) != tc.fails {
				t.Fatalf("%s\nparseStat(...): %v", tc.reason, err)
			}

			if diff := cmp.Diff(tc.want, want{group, u.cpu, u.memory}); diff != "" {
				t.Errorf("%s\nparseStat(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
