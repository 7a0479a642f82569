package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/bed"
)

// fleetCmd brings up many studios in one management cluster at once, and says
// what they cost it. What runs in the studios' clusters is simulated.
type fleetCmd struct {
	Claims  int           `default:"50" help:"How many studios."`
	Scale   float64       `default:"10" help:"Simulated seconds in a real one."`
	Timeout time.Duration `default:"30m" help:"The real time after which to give up."`
	Settle  time.Duration `default:"1m" help:"How long to watch the studios when all are Ready."`
}

// Run applies all claims, waits until all are Ready, and reports.
func (m *fleetCmd) Run(ctx context.Context, c *cli) (err error) {
	b, err := c.start(ctx, bed.Options{Scale: m.Scale, StockCircuitBreaker: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Stop()) }()

	idle, err := usageOf(b.Groups())
	if err != nil {
		return err
	}

	begin := time.Now()

	for i := range m.Claims {
		err := errors.Join(makeNamespace(ctx, b, fleetNamespace(i)), applyClaim(ctx, b, fleetNamespace(i)))
		if err != nil {
			return fmt.Errorf("cannot apply claim %d: %w", i+1, err)
		}
	}

	for i := range m.Claims {
		left := m.Timeout - time.Since(begin)
		if err := b.Await(ctx, studioKind, fleetNamespace(i), claimName, left, bed.HasCondition("Ready")); err != nil {
			return fmt.Errorf("studio %d of %d: %w", i+1, m.Claims, err)
		}
	}

	took := time.Since(begin)

	ready, err := usageOf(b.Groups())
	if err != nil {
		return err
	}

	if err := pass(ctx, b, m.Settle); err != nil {
		return err
	}

	settled, err := usageOf(b.Groups())
	if err != nil {
		return err
	}

	fmt.Fprintf(os.Stdout, "%d studios, all Ready after %s (%s simulated), then watched for %s.\n\n%s",
		m.Claims, seconds(took), minutes(took.Seconds()*m.Scale), seconds(m.Settle), m.report(idle, ready, settled, took))

	return nil
}

// report is a row for each process.
func (m *fleetCmd) report(idle, ready, settled map[string]usage, took time.Duration) string {
	var body [][]string

	for _, name := range []string{"core", "function", "cluster"} {
		toReady, after := ready[name].cpu-idle[name].cpu, settled[name].cpu-ready[name].cpu
		body = append(body, []string{
			name,
			fmt.Sprintf("%.1f MB", idle[name].memory),
			fmt.Sprintf("%.1f MB", settled[name].memory),
			fmt.Sprintf("%.2f MB", (settled[name].memory-idle[name].memory)/float64(m.Claims)),
			fmt.Sprintf("%.2f s", toReady.Seconds()/float64(m.Claims)),
			fmt.Sprintf("%.2f", toReady.Seconds()/took.Seconds()),
			fmt.Sprintf("%.4f", after.Seconds()/m.Settle.Seconds()/float64(m.Claims)),
		})
	}

	return table([]string{
		"process", "memory without studios", "with all", "a studio", "CPU of a studio until Ready", "cores until all Ready", "cores of a Ready studio",
	}, body)
}

func fleetNamespace(i int) string { return fmt.Sprintf("fleet-%02d", i) }

func minutes(simulated float64) string { return fmt.Sprintf("%.1f minutes", simulated/60) }
