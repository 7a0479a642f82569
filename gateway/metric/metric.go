// Package metric counts what the front door does. Labels have few values: neither
// a person nor a path nor an id is ever one, so that nobody can fill the memory by
// asking for much.
package metric

import (
	"net/http"
	"strconv"
	"time"

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
	wakes    *prometheus.HistogramVec
	waits    *prometheus.HistogramVec
	sessions *sessions
}

// Sockets count websockets: those that are joined to a server, and those that wait
// for one.
type Sockets struct{ Joined, Parked func() int }

// New has counted nothing.
func New(t *servers.Table, s Sockets, now func() time.Time) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(), sessions: newSessions(now),
		wakes: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "wake_stage_seconds", Help: "How long the stages of servers took that became ready, as this front door saw it.",
			Buckets: []float64{1, 5, 15, 30, 60, 90, 120, 180, 300, 600, 1200},
		}, []string{byPool, "stage"}),
		waits: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "wait_seconds", Help: "How long prompts waited for a server that asked to, and whether one came.",
			Buckets: []float64{.1, 1, 5, 10, 20, 30, 40, 50},
		}, []string{byPool, "came"}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "request_duration_seconds", Help: "How long requests took, until the last byte was handed on.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60},
		}, []string{"caller", "method", "status"}),
	}

	m.registry.MustRegister(m.requests, m.wakes, m.waits, &pools{table: t}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		gauge("sockets", "Websockets that are joined to a server.", s.Joined),
		gauge("parked_sockets", "Websockets that wait for a server.", s.Parked),
		gauge("sessions", "People whose browser asked for something in the last five minutes.", m.sessions.count))

	return m
}

const (
	namespace = "comfyui_studio"
	byPool    = "pool"
)

func gauge(name, help string, count func() int) prometheus.GaugeFunc {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, func() float64 { return float64(count()) })
}

// Woken counts a stage of a server that became ready.
func (m *Metrics) Woken(pool, stage string, took time.Duration) {
	m.wakes.WithLabelValues(pool, stage).Observe(took.Seconds())
}

// Waited counts a prompt that asked to wait for a server.
func (m *Metrics) Waited(pool string, came bool, took time.Duration) {
	m.waits.WithLabelValues(pool, strconv.FormatBool(came)).Observe(took.Seconds())
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

	m.sessions.seen(a.Session)
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
	return prometheus.NewDesc("comfyui_studio_servers", "Servers, by pool and whether they take prompts.", []string{byPool, "takes"}, nil),
		prometheus.NewDesc("comfyui_studio_queue", "Prompts that run or wait, by pool.", []string{byPool}, nil)
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
