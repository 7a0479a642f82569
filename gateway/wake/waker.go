package wake

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
)

const (
	// scaling is how long one change of a pool may take.
	scaling = 30 * time.Second
	// first and longest are the pauses after a change that failed.
	first   = 15 * time.Second
	longest = 5 * time.Minute
	// usually is what a wake takes before one was seen.
	usually = 4 * time.Minute
	// seen is how many wakes are remembered.
	seen = 10
)

// A Scaler raises the number of a pool's servers.
type Scaler interface {
	AtLeast(ctx context.Context, pool string, n int32) error
	Pods(pool string) ([]*corev1.Pod, error)
}

// A Waker starts servers. Any front door may, and each by itself: a number is only
// raised, so it does not matter who does.
type Waker struct {
	Scaler Scaler
	Log    *slog.Logger
	Now    func() time.Time
	// Seen is told of each stage of a server that is ready. It may be missing.
	Seen func(pool, stage string, took time.Duration)

	mu    sync.Mutex
	pools map[string]*pool
}

type pool struct {
	busy    bool
	failed  int
	after   time.Time
	problem string
	// active is when somebody was at work last, and who.
	active time.Time
	who    string
	// took are the last wakes, by stage, and counted are pods that are in them.
	took    [stageCount][]time.Duration
	counted map[string]bool
}

// New has woken nobody.
func New(s Scaler, log *slog.Logger, now func() time.Time) *Waker {
	return &Waker{Scaler: s, Log: log, Now: now, pools: map[string]*pool{}}
}

func (w *Waker) pool(name string) *pool {
	p := w.pools[name]
	if p == nil {
		p = &pool{counted: map[string]bool{}}
		w.pools[name] = p
	}

	return p
}

// Wake asks for a server of a pool. Of those that ask at once one does it; after a
// failure nobody does for a while, which grows.
func (w *Waker) Wake(name, why string) {
	w.mu.Lock()
	defer w.mu.Unlock()

	p, now := w.pool(name), w.Now()
	p.active, p.who = now, why

	if p.busy || now.Before(p.after) {
		return
	}

	p.busy = true

	w.Log.Info("a pool is woken", "pool", name, "why", why)

	go w.raise(name)
}

func (w *Waker) raise(name string) {
	ctx, stop := context.WithTimeout(context.Background(), scaling)
	defer stop()

	err := w.Scaler.AtLeast(ctx, name, 1)

	w.mu.Lock()
	defer w.mu.Unlock()

	p := w.pool(name)
	p.busy = false

	if err == nil {
		p.failed, p.problem, p.after = 0, "", time.Time{}
		return
	}

	w.Log.Error("a pool cannot be woken", "pool", name, "error", err)

	p.after = w.Now().Add(min(longest, first<<min(p.failed, 10)))
	p.failed++
	p.problem = "The server could not be ordered. The studio's administrator finds the reason in the front door's log."
}

// Present says that somebody is at work.
func (w *Waker) Present(name, who string) {
	w.mu.Lock()
	defer w.mu.Unlock()

	p := w.pool(name)
	p.active, p.who = w.Now(), who+" is at work"
}

// Active is when somebody was at work last, and what they did.
func (w *Waker) Active(name string) (time.Time, string) {
	w.mu.Lock()
	defer w.mu.Unlock()

	p := w.pool(name)

	return p.active, p.who
}

// Progress is how far a pool's first server has come.
func (w *Waker) Progress(name string) Progress {
	pods, err := w.Scaler.Pods(name)
	if err != nil {
		w.Log.Error("cannot look at a pool", "pool", name, "error", err)
	}

	out := Look(pods, w.Now())

	w.mu.Lock()
	defer w.mu.Unlock()

	p := w.pool(name)
	if out.Ready && !p.counted[out.Pod] {
		p.count(out)
		w.tell(name, out)
	}

	for i := range out.Stages {
		out.Stages[i].Usual = median(p.took[i]).Milliseconds()
	}

	if out.Problem == "" && !out.Ready {
		out.Problem = p.problem
	}

	return out
}

func (w *Waker) tell(name string, done Progress) {
	if w.Seen == nil {
		return
	}

	for i, took := range done.took {
		w.Seen(name, labels[i], took)
	}
}

// count remembers what a wake took, once for each pod.
func (p *pool) count(done Progress) {
	if len(p.counted) > 1000 {
		p.counted = map[string]bool{}
	}

	p.counted[done.Pod] = true

	for i, took := range done.took {
		p.took[i] = append(p.took[i], took)
		p.took[i] = p.took[i][max(0, len(p.took[i])-seen):]
	}
}

// Rest is how long it usually takes from now until there is a server.
func (w *Waker) Rest(name string) time.Duration {
	out, left := w.Progress(name), int64(0)

	known := false

	for _, s := range out.Stages {
		known = known || s.Usual > 0

		switch s.State {
		case Now:
			left += max(0, s.Usual-s.Took)
		case Waits:
			left += s.Usual
		}
	}

	if !known {
		return usually
	}

	return time.Duration(left) * time.Millisecond
}

func median(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}

	sorted := slices.Sorted(slices.Values(all))

	return sorted[len(sorted)/2]
}
