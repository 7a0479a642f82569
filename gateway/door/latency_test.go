package door

import (
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// BenchmarkLatency asks a server directly and through the front door, in turns, as
// fifty programs do at once.
func BenchmarkLatency(b *testing.B) {
	const people = 50

	w := newWorld(b, 1)
	n := w.nodes["server-0"]
	arms := map[string]string{"direct": n.front.URL, "through": w.url}
	took := map[string][]time.Duration{}

	transport := &http.Transport{MaxIdleConnsPerHost: people}
	defer transport.CloseIdleConnections()

	for range b.N {
		for _, arm := range []string{"direct", "through"} {
			took[arm] = append(took[arm], round(b, transport, arms[arm], people)...)
		}
	}

	for arm, all := range took {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2].Microseconds()), arm+"-p50-µs")
		b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), arm+"-p99-µs")
	}
}

// round has everybody ask twenty times.
func round(b *testing.B, transport http.RoundTripper, base string, people int) []time.Duration {
	b.Helper()

	var (
		mu  sync.Mutex
		out []time.Duration
		wg  sync.WaitGroup
	)

	for range people {
		wg.Go(func() {
			for range 20 {
				// Nobody begins together with all others.
				time.Sleep(rand.N(200 * time.Millisecond))

				req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, base+"/api/features", nil)
				if err != nil {
					b.Error(err)
					return
				}

				req.Header.Set("Authorization", "Bearer "+apiToken)

				began := time.Now()

				res, err := transport.RoundTrip(req)
				if err != nil {
					b.Error(err)
					return
				}

				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()

				mu.Lock()
				out = append(out, time.Since(began))
				mu.Unlock()
			}
		})
	}

	wg.Wait()

	return out
}
