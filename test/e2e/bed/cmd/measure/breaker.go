package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"k8s.io/client-go/rest"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/bed"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/gate"
)

// breakerCmd measures at scale 1: the breaker's tokens come back in real time.
type breakerCmd struct {
	Window   time.Duration `default:"5m" help:"How long to look, from the claims' apply on."`
	StandIns []int         `default:"0,80,170" help:"How many stand-ins each studio gets. A studio itself composes 50 resources before its cluster is active."`
	Case     []setting     `default:"stock/own,stock/60s,raised/own" help:"What to measure one after the other, as BREAKER/TTL: stock or raised, own or a duration."`
}

// The words that settings are written in.
const (
	stock  = "stock"
	raised = "raised"
	own    = "own"
)

// A setting is one way to run the core and the function.
type setting struct {
	raised bool
	// ttl of the answers while a studio converges; the function's own when zero.
	ttl time.Duration
}

// UnmarshalText reads BREAKER/TTL.
func (s *setting) UnmarshalText(text []byte) error {
	breaker, ttl, _ := strings.Cut(string(text), "/")

	switch breaker {
	case stock:
	case raised:
		s.raised = true
	default:
		return fmt.Errorf("cannot read %q: the breaker is stock or raised", text)
	}

	if ttl == own || ttl == "" {
		return nil
	}

	d, err := time.ParseDuration(ttl)
	if err != nil || d <= 0 {
		return fmt.Errorf("cannot read %q: the TTL is own or a duration", text)
	}

	s.ttl = d

	return nil
}

func (s setting) String() string {
	return fmt.Sprintf("breaker %s, TTL %s", s.breaker(), s.answers())
}

func (s setting) breaker() string {
	if s.raised {
		return raised
	}

	return stock
}

// answers says how long answers are good for.
func (s setting) answers() string {
	if s.ttl > 0 {
		return s.ttl.String()
	}

	return own
}

// Run measures one case after the other.
func (m *breakerCmd) Run(ctx context.Context, c *cli) error {
	declared, err := minimalGates()
	if err != nil {
		return err
	}

	var (
		rows  []burst
		costs []cost
	)

	for _, s := range m.Case {
		progressf("%s: %s from the apply on", s, m.Window)

		r, k, err := m.measure(ctx, c, s, declared)
		if err != nil {
			return fmt.Errorf("cannot measure %s: %w", s, err)
		}

		rows, costs = append(rows, r...), append(costs, k)
	}

	fmt.Fprint(os.Stdout, breakerReport(m.Window, rows, costs))

	return nil
}

// measure runs studios of all sizes side by side: each claim has a breaker of
// its own.
func (m *breakerCmd) measure(ctx context.Context, c *cli, s setting, declared []gate.Gate) (rows []burst, _ cost, err error) {
	b, err := c.start(ctx, bed.Options{Scale: 1, StockCircuitBreaker: !s.raised})
	if err != nil {
		return nil, cost{}, err
	}
	defer func() { err = errors.Join(err, b.Stop()) }()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	seen, rec, err := observe(ctx, b, s)
	if err != nil {
		return nil, cost{}, err
	}

	meter, err := newMeter(b)
	if err != nil {
		return nil, cost{}, err
	}

	before, err := meter.read(ctx)
	if err != nil {
		return nil, cost{}, err
	}

	for _, n := range m.StandIns {
		ns := studioNamespace(n)
		b.Wire().Use(withStandIns(ns, standIns(ns, n)))

		if err := apply(ctx, b, rec, ns); err != nil {
			return nil, cost{}, err
		}
	}

	if err := pass(ctx, b, m.Window); err != nil {
		return nil, cost{}, err
	}

	after, err := meter.read(ctx)
	if err != nil {
		return nil, cost{}, err
	}

	for _, n := range m.StandIns {
		ns := studioNamespace(n)
		all := slices.Concat(declared, standInGates(standIns(ns, n)))

		err := rec.read(ns, func(h *history) {
			rows = append(rows, burstOf(s, n, h, all, m.Window, seen.between(ns, h.start, h.start.Add(m.Window))))
		})
		if err != nil {
			return nil, cost{}, err
		}
	}

	return rows, cost{setting: s, core: after.core.minus(before.core), cluster: after.cluster.minus(before.cluster)}, nil
}

// observe begins to watch a bed and the runs of the function, whose answers get
// the setting's TTL.
func observe(ctx context.Context, b *bed.Bed, s setting) (*runs, *recorder, error) {
	seen := &runs{}
	b.Wire().Use(seen.hook)

	if s.ttl > 0 {
		b.Wire().Use(withTTL(s.ttl))
	}

	rec, err := watchAll(ctx, b)

	return seen, rec, err
}

func studioNamespace(standIns int) string { return fmt.Sprintf("studio-%d", standIns) }

// pass waits for the end of the window, and keeps the wire from remembering.
func pass(ctx context.Context, b *bed.Bed, window time.Duration) error {
	end := time.After(window)
	tick := time.NewTicker(5 * time.Second)

	defer tick.Stop()

	for {
		select {
		case <-end:
			return nil
		case <-tick.C:
			b.Wire().Forget()
		case <-b.Done():
			return b.Err()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// A cost is what the processes of one case counted, all studios together.
type cost struct {
	setting       setting
	core, cluster counters
}

// A meter reads the counters of the core and of the API server.
type meter struct {
	core, cluster string
	client        *http.Client // of the API server
}

type reading struct{ core, cluster counters }

func newMeter(b *bed.Bed) (*meter, error) {
	c, err := rest.HTTPClientFor(b.Config())
	if err != nil {
		return nil, fmt.Errorf("cannot make a client for the API server's metrics: %w", err)
	}

	return &meter{core: b.CoreMetricsURL(), cluster: b.Config().Host + "/metrics", client: c}, nil
}

func (m *meter) read(ctx context.Context) (reading, error) {
	core, err := scrape(ctx, http.DefaultClient, m.core)
	if err != nil {
		return reading{}, err
	}

	cluster, err := scrape(ctx, m.client, m.cluster)

	return reading{core: core, cluster: cluster}, err
}
