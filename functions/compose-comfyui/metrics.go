package main

import (
	"time"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/prometheus/client_golang/prometheus"
)

// metrics tell how often the function runs, how often it refuses, how long it
// takes and how much it composes. They carry no claim's name: a label per claim
// would grow for ever.
type metrics struct {
	runs      *prometheus.CounterVec
	seconds   prometheus.Histogram
	resources prometheus.Histogram
}

// newMetrics registers the metrics.
func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "compose_comfyui_runs_total",
			Help: "Runs of the function, by outcome: composed or refused.",
		}, []string{"outcome"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "compose_comfyui_run_duration_seconds",
			Help:    "How long a run took.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, 1},
		}),
		resources: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "compose_comfyui_desired_resources",
			Help:    "How many resources a run composed.",
			Buckets: []float64{10, 25, 50, 75, 100, 150, 200, 300},
		}),
	}
	r.MustRegister(m.runs, m.seconds, m.resources)

	return m
}

func (m *metrics) observe(rsp *fnv1.RunFunctionResponse, took time.Duration) {
	outcome := "composed"

	for _, r := range rsp.GetResults() {
		if r.GetSeverity() == fnv1.Severity_SEVERITY_FATAL {
			outcome = "refused"
		}
	}

	m.runs.WithLabelValues(outcome).Inc()
	m.seconds.Observe(took.Seconds())
	m.resources.Observe(float64(len(rsp.GetDesired().GetResources())))
}
