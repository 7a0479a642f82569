package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/gate"
)

// A burst is what one studio did in its first minutes.
type burst struct {
	setting  setting
	standIns int

	composed, ready int
	events, runs    int
	// open are the times at which the circuit breaker opened and closed again;
	// the last may be zero.
	open [][2]time.Duration

	all, late int // waits, and those of more than a second
	mean      time.Duration
	gap       time.Duration // the longest between two runs
	longest   wait
	toCluster []wait
	worst     []wait
}

// clusterKey is where the critical path of a studio goes through.
const clusterKey = "cluster-eks"

// notable is a wait that a person would notice.
const notable = time.Second

func burstOf(s setting, standIns int, h *history, declared []gate.Gate, window time.Duration, rs []run) burst {
	all := waits(h, declared, window)
	list := slices.Collect(maps.Values(all))

	out := burst{
		setting: s, standIns: standIns, events: h.events(), runs: len(rs), open: openings(h.responsive),
		all: len(all), late: over(all, notable), longest: longest(list), toCluster: chain(all, clusterKey), worst: worst(all),
		gap: longestGap(rs),
	}

	if len(all) > 0 {
		out.mean = sum(list) / time.Duration(len(all))
	}

	for _, x := range h.seen {
		out.composed++

		if n := len(x.ready); n > 0 && x.ready[n-1].is {
			out.ready++
		}
	}

	return out
}

// longestGap is the longest time between the starts of two runs that follow one
// another: what a gate waits for at most when nothing but the clock starts runs.
func longestGap(rs []run) time.Duration {
	var out time.Duration

	for i := 1; i < len(rs); i++ {
		out = max(out, rs[i].start.Sub(rs[i-1].start))
	}

	return out
}

// openings turns the changes of Responsive into pairs of opened and closed.
func openings(responsive []change) [][2]time.Duration {
	var out [][2]time.Duration

	for _, c := range responsive {
		if !c.is {
			out = append(out, [2]time.Duration{c.at, 0})
		} else if n := len(out); n > 0 {
			out[n-1][1] = c.at
		}
	}

	return out
}

// breakerReport is the report of all cases.
func breakerReport(window time.Duration, rows []burst, costs []cost) string {
	b := &strings.Builder{}

	fmt.Fprintf(b, "First %s after apply, real time, scale 1.\n\n", window)
	b.WriteString(table([]string{
		"breaker", "TTL", "composed (ready)", "watch events", "runs", "longest gap", "breaker open",
		"waits > 1 s", "mean", "longest", "chain to the cluster", "cluster composed at", "worst chain",
	}, bodies(rows)))
	b.WriteString("\n")

	var lines [][]string

	for _, c := range costs {
		lines = append(lines, []string{
			c.setting.String(), count(c.core.opens), count(c.core.closes),
			count(c.core.allowed), count(c.core.halfOpen), count(c.core.dropped),
			fmt.Sprintf("%.1f", c.core.cpuSeconds), fmt.Sprintf("%.1f", c.cluster.cpuSeconds),
		})
	}

	b.WriteString(table([]string{
		"all studios of a case together", "opened", "closed", "events allowed", "as probes", "dropped",
		"core CPU s", "API server and etcd CPU s",
	}, lines))

	for _, r := range rows {
		fmt.Fprintf(b, "\nWorst chain, %s, %d stand-ins:\n%s", r.setting, r.standIns, chainText(r.worst))
	}

	return b.String()
}

func bodies(rows []burst) [][]string {
	out := make([][]string, 0, len(rows))

	for _, r := range rows {
		cluster := "not"
		if n := len(r.toCluster); n > 0 && !r.toCluster[n-1].missing {
			cluster = seconds(r.toCluster[n-1].composed)
		}

		out = append(out, []string{
			r.setting.breaker(), r.setting.answers(), fmt.Sprintf("%d (%d)", r.composed, r.ready),
			strconv.Itoa(r.events), strconv.Itoa(r.runs), seconds(r.gap), openText(r.open),
			fmt.Sprintf("%d of %d", r.late, r.all), seconds(r.mean), seconds(r.longest.took()),
			fmt.Sprintf("%s, longest %s", seconds(sum(r.toCluster)), seconds(longest(r.toCluster).took())), cluster, seconds(sum(r.worst)),
		})
	}

	return out
}

func openText(open [][2]time.Duration) string {
	if len(open) == 0 {
		return "never"
	}

	out := make([]string, 0, len(open))

	for _, o := range open {
		if o[1] == 0 {
			out = append(out, "from "+seconds(o[0]))
		} else {
			out = append(out, seconds(o[0])+" to "+seconds(o[1]))
		}
	}

	return strings.Join(out, ", ")
}

// chainText lists the steps of a chain.
func chainText(ws []wait) string {
	b := &strings.Builder{}

	for _, w := range ws {
		state := "composed at " + seconds(w.composed)
		if w.missing {
			state = "not composed"
		}

		fmt.Fprintf(b, "- %s: gates open at %s, %s, waited %s\n", w.key, seconds(w.open), state, seconds(w.took()))
	}

	return b.String()
}
