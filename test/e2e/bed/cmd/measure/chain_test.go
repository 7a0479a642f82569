package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/gate"
)

func sec(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// made is a resource composed at one time and ready at another.
func made(composed, ready float64) *sighting {
	return &sighting{group: "ec2.aws.m.upbound.io", composed: sec(composed), ready: []change{{at: sec(ready), is: true}}}
}

// family is a studio in which the subnets wait for the VPC, and the cluster for
// the subnets and the account id that a role tells.
func family() (*history, []gate.Gate) {
	h := newHistory(time.Unix(0, 0))
	h.seen = map[string]*sighting{
		"vpc": made(0.5, 12), "role": made(0.5, 6), "subnet-a": made(17, 27), "subnet-b": made(17, 28), "cluster": made(31, 600),
	}
	h.values[gate.AccountID] = told{at: sec(5), by: "role"}

	return h, []gate.Gate{
		{Key: "vpc"},
		{Key: "role"},
		{Key: "subnet-a", After: []string{"vpc"}},
		{Key: "subnet-b", After: []string{"vpc"}},
		{Key: "cluster", After: []string{"subnet-a", "subnet-b"}, Needs: []string{gate.AccountID}},
		{Key: "nodes", After: []string{"cluster"}},
	}
}

func TestChain(t *testing.T) {
	type want struct {
		keys []string
		sum  time.Duration
		max  time.Duration
	}

	cases := map[string]struct {
		reason string
		change func(*history)
		end    float64
		key    string
		want   want
	}{
		"LastGateCounts": {
			reason: "The chain goes through the subnet that became ready last, and waits add up.",
			end:    300,
			key:    "cluster",
			want:   want{keys: []string{"vpc", "subnet-b", "cluster"}, sum: sec(0.5 + 5 + 3), max: sec(5)},
		},
		"ValueOpensLast": {
			reason: "A value that comes last makes the resource that told it part of the chain.",
			change: func(h *history) { h.values[gate.AccountID] = told{at: sec(30), by: "role"} },
			end:    300,
			key:    "cluster",
			want:   want{keys: []string{"role", "cluster"}, sum: sec(0.5 + 1), max: sec(1)},
		},
		"NotComposedYet": {
			reason: "A resource whose gates are open waits to the end of the window.",
			end:    30,
			key:    "cluster",
			want:   want{keys: []string{"vpc", "subnet-b", "cluster"}, sum: sec(0.5 + 5 + 2), max: sec(5)},
		},
		"ReadyAgain": {
			reason: "Gates are open when all are ready at one time, not when each was once.",
			change: func(h *history) {
				h.seen["subnet-a"].ready = []change{{sec(20), true}, {sec(21), false}, {sec(30), true}}
			},
			end:  300,
			key:  "cluster",
			want: want{keys: []string{"vpc", "subnet-a", "cluster"}, sum: sec(0.5 + 5 + 1), max: sec(5)},
		},
		"ComposedBeforeSeen": {
			reason: "Two watches race; nobody waits less than no time.",
			change: func(h *history) { h.seen["cluster"].composed = sec(27.9) },
			end:    300,
			key:    "cluster",
			want:   want{keys: []string{"vpc", "subnet-b", "cluster"}, sum: sec(0.5 + 5), max: sec(5)},
		},
		"GatesClosed": {
			reason: "What waits for something else does not wait for the core.",
			end:    300,
			key:    "nodes",
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			h, declared := family()
			if tc.change != nil {
				tc.change(h)
			}

			c := chain(waits(h, declared, sec(tc.end)), tc.key)
			got := want{sum: sum(c), max: longest(c).took()}

			for _, w := range c {
				got.keys = append(got.keys, w.key)
			}

			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("%s\nchain(%s): -want, +got:\n%s", tc.reason, tc.key, diff)
			}
		})
	}
}

func TestWorst(t *testing.T) {
	h, declared := family()
	// The address hangs on nothing and was forgotten for a minute.
	h.seen["address"] = made(60, 61)
	declared = append(declared, gate.Gate{Key: "address"})
	all := waits(h, declared, sec(300))

	if diff := cmp.Diff([]wait{{key: "address", composed: sec(60)}}, worst(all), cmp.AllowUnexported(wait{})); diff != "" {
		t.Errorf("The chain with the largest sum of waits is the worst.\nworst(...): -want, +got:\n%s", diff)
	}

	if diff := cmp.Diff(4, over(all, notable)); diff != "" {
		t.Errorf("Both subnets, the cluster and the address wait for more than a second.\nover(...): -want, +got:\n%s", diff)
	}
}

func TestLegs(t *testing.T) {
	h, declared := family()
	for k, s := range h.seen {
		s.kind, s.name = k, k
	}

	// The bed was 100 s old, of simulated 1000, when the claim was applied.
	ledger := cloud.Ledger{Scale: 10, Entries: []cloud.Entry{
		{Group: "ec2.aws.m.upbound.io", Kind: "vpc", Namespace: "art", Name: "vpc", Created: 1010, Active: 1030},
		{Group: "ec2.aws.m.upbound.io", Kind: "vpc", Namespace: "other", Name: "vpc", Created: 1, Active: 2},
		{Group: "ec2.aws.m.upbound.io", Kind: "cluster", Namespace: "art", Name: "cluster", Created: 1315, Active: 6915},
	}}
	settle := func(k cloud.Kind) time.Duration {
		if k.Name == "vpc" {
			return sec(80)
		}

		return 0
	}
	// Before the subnets, of which a part before the gate was open.
	rs := []run{{start: h.start.Add(sec(11.5)), took: sec(1)}, {start: h.start.Add(sec(16)), took: sec(0.25)}}

	got := legs(h, chain(waits(h, declared, sec(700)), "cluster"), timesOf(ledger, h, "art", 1000, settle), rs)
	want := []leg{
		{key: "vpc", core: sec(0.5), request: sec(0.5), aws: sec(2), terraform: sec(8), seen: sec(1)},
		// The ledger has no subnet here: what it takes is the provider's.
		{key: "subnet-b", core: sec(4.25), function: sec(0.75), seen: sec(11)},
		{key: "cluster", core: sec(3), request: sec(0.5), aws: sec(560), seen: sec(8.5)},
	}

	if diff := cmp.Diff(want, got, cmp.AllowUnexported(leg{})); diff != "" {
		t.Errorf("Each second of a path is somebody's.\nlegs(...): -want, +got:\n%s", diff)
	}

	var all time.Duration
	for _, l := range got {
		all += l.took()
	}

	if all != sec(600) {
		t.Errorf("The legs add up to %s, want the 600 s until the last one is ready", all)
	}
}
