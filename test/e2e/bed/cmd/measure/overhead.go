package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/bed"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/gate"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/provider"
)

// overheadCmd measures a studio of the minimal claim from apply to Ready.
type overheadCmd struct {
	Scale   float64       `default:"10" help:"Simulated seconds in a real one. The overhead is real time: the scale makes it look larger."`
	Case    []setting     `default:"stock/own,raised/own" help:"What to measure one after the other, as BREAKER/TTL: stock or raised, own or a duration."`
	Timeout time.Duration `default:"10m" help:"The real time after which to give up on a studio."`
}

// overheadNamespace is where the claim lives.
const overheadNamespace = "overhead"

// Run measures one case after the other.
func (m *overheadCmd) Run(ctx context.Context, c *cli) error {
	declared, err := minimalGates()
	if err != nil {
		return err
	}

	for _, s := range m.Case {
		progressf("%s, scale %g: from apply to Ready", s, m.Scale)

		report, err := m.measure(ctx, c, s, declared)
		if err != nil {
			return fmt.Errorf("cannot measure %s: %w", s, err)
		}

		fmt.Fprintf(os.Stdout, "%s, simulated seconds at scale %g:\n\n%s\n", s, m.Scale, report)
	}

	return nil
}

func (m *overheadCmd) measure(ctx context.Context, c *cli, s setting, declared []gate.Gate) (report string, err error) {
	b, err := c.start(ctx, bed.Options{Scale: m.Scale, StockCircuitBreaker: !s.raised})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, b.Stop()) }()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	seen, rec, err := observe(ctx, b, s)
	if err != nil {
		return "", err
	}

	if err := apply(ctx, b, rec, overheadNamespace); err != nil {
		return "", err
	}

	if err := b.Await(ctx, studioKind, overheadNamespace, claimName, m.Timeout, bed.HasCondition("Ready")); err != nil {
		return "", err
	}

	// The watch may be a moment behind.
	time.Sleep(time.Second)

	var unknown error

	err = rec.read(overheadNamespace, func(h *history) {
		rs := seen.between(overheadNamespace, h.start, time.Now())
		clock := b.Cloud().Clock()
		offset := clock.Now().Seconds() - time.Since(h.start).Seconds()*m.Scale
		all := waits(h, declared, time.Since(h.start))
		last := h.lastReady(declared)

		if _, known := all[last]; !known {
			unknown = fmt.Errorf("cannot follow the critical path: %s became ready last, and nothing told what it waits for: %v", last, h.untold(declared, last))
			return
		}

		in := timesOf(b.Cloud().Ledger(), h, overheadNamespace, offset, provider.Settle)

		report = overheadReport(m.Scale, h, legs(h, chain(all, last), in, rs), rs)
	})

	return report, errors.Join(err, unknown)
}

// overheadReport shows the critical path in simulated seconds, and what it adds
// up to.
func overheadReport(scale float64, h *history, path []leg, rs []run) string {
	b := &strings.Builder{}
	sim := func(d time.Duration) string { return fmt.Sprintf("%.1f", d.Seconds()*scale) }

	var (
		total leg
		lines [][]string
	)

	for _, l := range path {
		lines = append(lines, legLine(sim, l))
		total = plus(total, l)
	}

	// From the last resource's Ready to the claim's.
	last := leg{key: "the claim itself", function: functionTime(h, total.took(), h.ready, rs)}
	last.core = h.ready - total.took() - last.function
	total = plus(total, last)
	total.key = "in all"
	lines = append(lines, legLine(sim, last), legLine(sim, total))

	var longest, all time.Duration
	for _, r := range rs {
		longest, all = max(longest, r.took), all+r.took
	}

	b.WriteString(table([]string{"critical path", "core", "function", "provider: request", "AWS", "Terraform's own waits", "provider: seen ready"}, lines))
	fmt.Fprintf(b, "\nReady after %s simulated seconds (%s real); AWS and Terraform imply %s: ratio %.3f.\n",
		sim(h.ready), seconds(h.ready), sim(total.implied()), h.ready.Seconds()/total.implied().Seconds())
	fmt.Fprintf(b, "The overhead in real time: core %s, function %s, provider %s. At scale 1 the same overhead would be a ratio of %.3f.\n",
		seconds(total.core), millis(total.function), seconds(total.request+total.seen),
		1+(h.ready-total.implied()).Seconds()/(total.implied().Seconds()*scale))
	fmt.Fprintf(b, "The function ran %d times, %s a run, at most %s. The circuit breaker was open: %s.\n",
		len(rs), millis(all/time.Duration(max(1, len(rs)))), millis(longest), openText(openings(h.responsive)))

	return b.String()
}

func legLine(sim func(time.Duration) string, l leg) []string {
	return []string{l.key, sim(l.core), sim(l.function), sim(l.request), sim(l.aws), sim(l.terraform), sim(l.seen)}
}

func plus(a, b leg) leg {
	return leg{
		function: a.function + b.function, core: a.core + b.core, request: a.request + b.request,
		aws: a.aws + b.aws, terraform: a.terraform + b.terraform, seen: a.seen + b.seen,
	}
}

func millis(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }
