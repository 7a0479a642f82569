// Package metric counts what the front door does. Labels have few values: neither
// a person nor a path nor an id is ever one, so that nobody can fill the memory by
// asking for much.
package metric

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/comfyui-studio/comfyui-studio/gateway/door"
	"github.com/comfyui-studio/comfyui-studio/gateway/servers"
)

// Metrics are the front door's.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
}

// New has counted nothing.
func New(t *servers.Table, sockets func() int) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "comfyui_studio", Name: "request_duration_seconds", Help: "How long requests took, until the last byte was handed on.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60},
		}, []string{"caller", "method", "status"}),
	}

	m.registry.MustRegister(m.requests, &pools{table: t}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "comfyui_studio", Name: "sockets", Help: "Websockets that are open."}, func() float64 { return float64(sockets()) }))

	return m
}

// Handler shows them to Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Take counts an answer.
func (m *Metrics) Take(a door.Answer) {
	caller := "nobody"

	switch {
	case a.Program:
		caller = "program"
	case a.User != "":
		caller = "person"
	}

	m.requests.WithLabelValues(caller, method(a.Method), strconv.Itoa(a.Status/100)+"xx").Observe(a.Took.Seconds())
}

// method bounds what a viewer may write there.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}

	return "other"
}

// pools shows servers and queues as they are when somebody looks.
type pools struct{ table *servers.Table }

func (*pools) descriptions() (*prometheus.Desc, *prometheus.Desc) {
	return prometheus.NewDesc("comfyui_studio_servers", "Servers, by pool and whether they take prompts.", []string{"pool", "takes"}, nil),
		prometheus.NewDesc("comfyui_studio_queue", "Prompts that run or wait, by pool.", []string{"pool"}, nil)
}

// Describe names the metrics.
func (p *pools) Describe(out chan<- *prometheus.Desc) {
	a, b := p.descriptions()
	out <- a
	out <- b
}

// Collect reads the table.
func (p *pools) Collect(out chan<- prometheus.Metric) {
	count, queue := map[[2]string]int{}, map[string]int{}

	for _, s := range p.table.All("") {
		count[[2]string{s.Pool, strconv.FormatBool(s.Takes())}]++
		queue[s.Pool] += s.Queue
	}

	servers, waiting := p.descriptions()
	for labels, n := range count {
		out <- prometheus.MustNewConstMetric(servers, prometheus.GaugeValue, float64(n), labels[0], labels[1])
	}

	for pool, n := range queue {
		out <- prometheus.MustNewConstMetric(waiting, prometheus.GaugeValue, float64(n), pool)
	}
}
