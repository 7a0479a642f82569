// Package faults stands between a client and S3 and spoils answers, by a
// schedule that follows from a seed.
//
// Whether an answer is spoilt, and how, follows from the seed, the request and
// how often the same request came before: not from the order in which requests
// of many clients arrive. So a seed tells the same story each time.
package faults

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Kind is one way to spoil an answer.
type Kind string

// The faults.
const (
	// Cut ends the connection in the middle of a body.
	Cut Kind = "cut"
	// Stall sends half a body, and the rest only once faults are over.
	Stall Kind = "stall"
	// Internal is S3's 500.
	Internal Kind = "500"
	// SlowDown is S3's 503.
	SlowDown Kind = "503"
	// Flip changes one byte of a body. Only a checksum finds it.
	Flip Kind = "flip"
	// Short announces less than was asked for, and sends that.
	Short Kind = "short"
	// OtherRange answers with another range, and says so.
	OtherRange Kind = "range"
	// Denied is 403, as while a policy is being changed.
	Denied Kind = "403"
)

// Plan is what goes wrong.
type Plan struct {
	Seed uint64
	// Rate is the part of all requests that is spoilt, from 0 to 1.
	Rate float64
	// Kinds are the faults to choose from. One that does not apply to a request
	// is not chosen for it.
	Kinds []Kind
	// Pages are the listing requests that fail, counted from the moment the plan
	// is set; the first is 1.
	Pages []int
	// Later has every page of a listing fail but its first.
	Later bool
	// Unchecked tells whether an object has no checksum: a flipped byte in it is
	// one that nobody can find.
	Unchecked func(key string) bool
}

// Proxy is an S3 that fails.
type Proxy struct {
	upstream  *url.URL
	transport http.RoundTripper

	mu     sync.Mutex
	plan   Plan
	before map[string]int
	pages  int
	counts map[Kind]int
	over   chan struct{}
}

// New returns a proxy before an endpoint, without faults.
func New(endpoint string) (*Proxy, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, fmt.Errorf("cannot read the endpoint: %w", err)
	}

	over := make(chan struct{})
	close(over)

	return &Proxy{
		upstream: u, over: over, counts: map[Kind]int{}, before: map[string]int{},
		transport: &http.Transport{MaxIdleConnsPerHost: 1024, DisableCompression: true},
	}, nil
}

// Set begins a plan.
func (p *Proxy) Set(plan Plan) {
	p.Quiet()

	p.mu.Lock()
	defer p.mu.Unlock()

	p.plan, p.before, p.pages, p.over = plan, map[string]int{}, 0, make(chan struct{})
}

// Quiet ends all faults, those that are under way as well.
func (p *Proxy) Quiet() {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.plan = Plan{}

	select {
	case <-p.over:
	default:
		close(p.over)
	}
}

// Counts tells how many answers were spoilt, and how.
func (p *Proxy) Counts() map[Kind]int {
	p.mu.Lock()
	defer p.mu.Unlock()

	return maps.Clone(p.counts)
}

// choice is what happens to one request.
type choice struct {
	kind Kind
	// random decides the rest: where to cut, which byte to flip.
	random *rand.Rand
	over   <-chan struct{}
	// checked tells whether the object that is answered with still has a checksum.
	checked func() bool
}

func (p *Proxy) choose(r *http.Request) choice {
	p.mu.Lock()
	defer p.mu.Unlock()

	key, listing := target(r)
	identity := fmt.Sprint(r.Method, " ", r.URL.Path, " ", key, " ", r.Header.Get("Range"), " ", r.URL.Query().Get("continuation-token"), " ", r.URL.Query().Get("start-after"))
	p.before[identity]++

	h := fnv.New64a()
	_, _ = fmt.Fprint(h, p.plan.Seed, identity, p.before[identity])
	random := rand.New(rand.NewPCG(p.plan.Seed, h.Sum64())) //nolint:gosec // The schedule must be the same each time.
	unchecked := p.plan.Unchecked
	c := choice{random: random, over: p.over, checked: func() bool { return unchecked == nil || !unchecked(key) }}

	if listing {
		p.pages++

		later := p.plan.Later && (r.URL.Query().Has("continuation-token") || r.URL.Query().Has("start-after"))
		if later || slices.Contains(p.plan.Pages, p.pages) {
			c.kind = Internal
		}
	}

	if kinds := p.fitting(r, key); c.kind == "" && len(kinds) > 0 && random.Float64() < p.plan.Rate {
		c.kind = kinds[random.IntN(len(kinds))]
	}

	if c.kind != "" {
		p.counts[c.kind]++
	}

	return c
}

// fitting are the faults that make sense for a request. Writes come through:
// they are the test's own.
func (p *Proxy) fitting(r *http.Request, key string) []Kind {
	var kinds []Kind

	for _, k := range p.plan.Kinds {
		switch k {
		case Internal, SlowDown, Denied:
			if r.Method != http.MethodGet && r.Method != http.MethodHead {
				continue
			}
		case Flip:
			if r.Method != http.MethodGet || key == "" || p.plan.Unchecked != nil && p.plan.Unchecked(key) {
				continue
			}
		case OtherRange, Short:
			if r.Method != http.MethodGet || key == "" {
				continue
			}
		default:
			if r.Method != http.MethodGet {
				continue
			}
		}

		kinds = append(kinds, k)
	}

	return kinds
}

// target is the key that a request is about, and whether it lists.
func target(r *http.Request) (key string, listing bool) {
	_, key, _ = strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")

	return key, key == "" && r.Method == http.MethodGet
}
