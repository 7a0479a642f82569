package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// counters are what the core counts that matters here, all studios together.
type counters struct { //nolint:recvcheck // It is a value; filling it in needs a pointer.
	opens, closes              float64
	allowed, dropped, halfOpen float64
	cpuSeconds                 float64
}

// scrape reads the counters of the core, or of another process as far as it has
// them.
func scrape(ctx context.Context, c *http.Client, url string) (counters, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return counters{}, fmt.Errorf("cannot read the metrics: %w", err)
	}

	rsp, err := c.Do(req)
	if err != nil {
		return counters{}, fmt.Errorf("cannot read the metrics: %w", err)
	}
	defer rsp.Body.Close()

	return parseCounters(rsp.Body)
}

// parseCounters reads Prometheus's text format.
func parseCounters(r io.Reader) (counters, error) {
	c := counters{}
	s := bufio.NewScanner(r)

	for s.Scan() {
		// A label's value may hold spaces: the sample is what follows the last.
		i := strings.LastIndex(s.Text(), " ")
		if i < 0 {
			continue
		}

		name, value := s.Text()[:i], s.Text()[i+1:]
		if to := c.of(name); to != nil {
			v, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return c, fmt.Errorf("cannot read the metric %s: %w", name, err)
			}

			*to += v
		}
	}

	if err := s.Err(); err != nil {
		return c, fmt.Errorf("cannot read the metrics: %w", err)
	}

	return c, nil
}

// of is where a sample is added, or nil.
func (c *counters) of(sample string) *float64 {
	name, labels, _ := strings.Cut(sample, "{")

	switch name {
	case "circuit_breaker_opens_total":
		return &c.opens
	case "circuit_breaker_closes_total":
		return &c.closes
	case "process_cpu_seconds_total":
		return &c.cpuSeconds
	case "circuit_breaker_events_total":
		switch {
		case strings.Contains(labels, `result="Allowed"`):
			return &c.allowed
		case strings.Contains(labels, `result="Dropped"`):
			return &c.dropped
		case strings.Contains(labels, `result="HalfOpenAllowed"`):
			return &c.halfOpen
		}
	}

	return nil
}

func (c counters) minus(o counters) counters {
	return counters{
		opens: c.opens - o.opens, closes: c.closes - o.closes,
		allowed: c.allowed - o.allowed, dropped: c.dropped - o.dropped, halfOpen: c.halfOpen - o.halfOpen,
		cpuSeconds: c.cpuSeconds - o.cpuSeconds,
	}
}
