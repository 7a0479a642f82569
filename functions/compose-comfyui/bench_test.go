package main

import (
	"context"
	"slices"
	"testing"
	"time"
)

// BenchmarkRunFunction runs the function on the largest example, with every
// resource observed: what each run of a finished studio costs.
func BenchmarkRunFunction(b *testing.B) {
	w := newWorld(b, examples(b)["full"])
	w.settle()

	req, f := w.request(), newFunction()
	took := make([]time.Duration, 0, b.N)

	b.ReportAllocs()
	b.ResetTimer()

	for range b.N {
		start := time.Now()

		rsp, err := f.RunFunction(context.Background(), req)
		if err != nil || fatal(rsp) != "" {
			b.Fatal(err, fatal(rsp))
		}

		took = append(took, time.Since(start))
	}

	// A reset of the timer forgets what was reported before it.
	b.ReportMetric(float64(len(w.observed)), "resources")

	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}
