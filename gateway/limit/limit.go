// Package limit bounds how often one neighbour asks, without a way for one to shut
// out another: nobody's limit is anybody else's. What it remembers is bounded too.
package limit

import (
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// remembered is how many neighbours have a limit of their own at a time.
const remembered = 8192

// Buckets are limits by who asks.
type Buckets[K comparable] struct {
	mu    sync.Mutex
	all   *lru.Cache[K, *rate.Limiter]
	every time.Duration
	burst int
}

// ByAddress limits networks.
type ByAddress = Buckets[netip.Prefix]

// New lets each ask once in a while, and several times at first.
func New[K comparable](every time.Duration, burst int) *Buckets[K] {
	all, err := lru.New[K, *rate.Limiter](remembered)
	if err != nil {
		// It fails for sizes below one only.
		panic(err)
	}

	return &Buckets[K]{all: all, every: every, burst: burst}
}

// Allow takes one from the bucket of who asks, and says how long to wait if it is
// empty.
func (b *Buckets[K]) Allow(who K, now time.Time) (time.Duration, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()

	l, ok := b.all.Get(who)
	if !ok {
		l = rate.NewLimiter(rate.Every(b.every), b.burst)
		b.all.Add(who, l)
	}

	if l.AllowN(now, 1) {
		return 0, true
	}

	return time.Duration((1 - l.TokensAt(now)) * float64(b.every)), false
}
