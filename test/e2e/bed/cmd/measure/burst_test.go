package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/gate"
)

func TestOpenings(t *testing.T) {
	cases := map[string]struct {
		reason string
		states []bool
		want   [][2]time.Duration
	}{
		"Never": {
			reason: "A breaker is closed until the claim says otherwise.",
			states: []bool{true, true},
		},
		"Open": {
			reason: "One that is still open has no end.",
			states: []bool{true, false, false},
			want:   [][2]time.Duration{{sec(1), 0}},
		},
		"Twice": {
			reason: "Each opening has its own end.",
			states: []bool{false, true, true, false, true},
			want:   [][2]time.Duration{{0, sec(1)}, {sec(3), sec(4)}},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			h := newHistory(time.Now())

			for i, is := range tc.states {
				status := map[bool]string{true: "True", false: "False"}[is]
				h.seeClaim(sec(float64(i)), map[string]any{"status": map[string]any{"conditions": []any{
					map[string]any{"type": "Responsive", "status": status},
				}}})
			}

			if diff := cmp.Diff(tc.want, openings(h.responsive)); diff != "" {
				t.Errorf("%s\nopenings(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestSee(t *testing.T) {
	start := time.Now()
	r := &recorder{histories: map[string]*history{"art": newHistory(start)}}
	see := func(after float64, namespace, key string, o map[string]any) {
		u := &unstructured.Unstructured{Object: o}
		u.SetNamespace(namespace)
		u.SetName("x")

		if key != "" {
			u.SetAnnotations(map[string]string{keyAnnotation: key})
		}

		r.see(start.Add(sec(after)), watch.Modified, u)
	}
	role := func(status ...any) map[string]any {
		return map[string]any{"kind": "Role", "status": map[string]any{
			"conditions": status, "atProvider": map[string]any{"arn": "arn:aws:iam::123456789012:role/x"},
		}}
	}

	see(1, "art", "cluster-role", map[string]any{"kind": "Role"})
	see(2, "art", "cluster-role", role())
	see(3, "art", "cluster-role", role(map[string]any{"type": "Ready", "status": "True"}))
	see(4, "art", "cluster-role", role(map[string]any{"type": "Ready", "status": "True"}))
	see(5, "other", "cluster-role", role())
	see(6, "art", "", role())

	want := newHistory(start)
	want.seen["cluster-role"] = &sighting{kind: "Role", name: "x", composed: sec(1), ready: []change{{at: sec(3), is: true}}, events: 4}
	want.values[gate.AccountID] = told{at: sec(2), by: "cluster-role"}

	opts := cmp.AllowUnexported(history{}, sighting{}, change{}, told{})
	if diff := cmp.Diff(map[string]*history{"art": want}, r.histories, opts); diff != "" {
		t.Errorf("What is written down is the first of each.\nsee(...): -want, +got:\n%s", diff)
	}
}

func TestParseCounters(t *testing.T) {
	text := `# HELP circuit_breaker_opens_total Number of times.
circuit_breaker_opens_total{controller="a b"} 2
circuit_breaker_opens_total{controller="c"} 1
circuit_breaker_events_total{controller="c",result="Allowed"} 3e+02
circuit_breaker_events_total{controller="c",result="Dropped"} 7
circuit_breaker_events_total{controller="c",result="HalfOpenAllowed"} 1
process_cpu_seconds_total 12.5
process_cpu_seconds_total_of_another 9
`

	got, err := parseCounters(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}

	want := counters{opens: 3, allowed: 300, dropped: 7, halfOpen: 1, cpuSeconds: 12.5}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(counters{})); diff != "" {
		t.Errorf("Samples of one name add up over controllers.\nparseCounters(...): -want, +got:\n%s", diff)
	}
}

func TestSetting(t *testing.T) {
	cases := map[string]struct {
		reason  string
		text    string
		want    setting
		wantErr bool
	}{
		"Own":       {reason: "The default core and the function's TTL.", text: "stock/own"},
		"Short":     {reason: "A TTL that is left out is the function's own.", text: "raised", want: setting{raised: true}},
		"TTL":       {reason: "Any duration will do.", text: "stock/60s", want: setting{ttl: time.Minute}},
		"Breaker":   {reason: "There are two ways to run the core.", text: "off/own", wantErr: true},
		"NoSuchTTL": {reason: "No TTL would mean no timed run at all.", text: "stock/0s", wantErr: true},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := setting{}
			err := got.UnmarshalText([]byte(tc.text))

			if (err != nil) != tc.wantErr {
				t.Fatalf("%s\nUnmarshalText(%q): want an error: %t, got %v", tc.reason, tc.text, tc.wantErr, err)
			}

			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(setting{})); err == nil && diff != "" {
				t.Errorf("%s\nUnmarshalText(%q): -want, +got:\n%s", tc.reason, tc.text, diff)
			}
		})
	}
}
