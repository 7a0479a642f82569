package keep

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comfyui-studio/comfyui-studio/gateway/cluster"
	"github.com/comfyui-studio/comfyui-studio/gateway/config"
	"github.com/comfyui-studio/comfyui-studio/gateway/servers"
)

const (
	// every is how often pools are looked at.
	every = 5 * time.Second
	// settled is how long a server that shall go is watched first: all front doors
	// have seen by then that it gets no new work, and asked it for its queue twice.
	settled = 10 * time.Second
)

// A Cluster is what a keeper changes.
type Cluster interface {
	Replicas(ctx context.Context, pool string) (int32, error)
	AtLeast(ctx context.Context, pool string, n int32) error
	Down(ctx context.Context, pool string, from int32) error
	Cost(ctx context.Context, pod string, cost int) error
	Guard(ctx context.Context, pod string, on bool) error
	Pods(pool string) ([]*corev1.Pod, error)
}

// A Keeper keeps pools at the number of servers that they need. One front door
// does; for moments two may, and then each change is made once, since it says what
// it changes from.
type Keeper struct {
	Config  func() config.Config
	Cluster Cluster
	Table   *servers.Table
	// Active is when somebody was at work last at any front door, and who. An error
	// means that nobody knows.
	Active func(ctx context.Context, pool string) (time.Time, string, error)
	Log    *slog.Logger
	Now    func() time.Time

	began time.Time
	pools map[string]*kept
}

// kept is what a keeper knows of a pool.
type kept struct {
	busy  time.Time
	deep  time.Time
	calm  time.Time
	since time.Time
	// worked is when each server had something to do last.
	worked map[types.UID]time.Time
	// Want and Why are the last decision.
	want int32
	why  string
}

// Run keeps until the context ends.
func (k *Keeper) Run(ctx context.Context) {
	tick := time.NewTicker(every)
	defer tick.Stop()

	// Whoever begins knows of nobody, and takes nobody's server away for that.
	k.began = k.Now()
	k.pools = map[string]*kept{}

	for {
		for _, p := range k.Config().Pools {
			if err := k.Look(ctx, p); err != nil && ctx.Err() == nil {
				k.Log.Error("cannot keep a pool", "pool", p.Name, "error", err)
			}
		}

		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Look decides about a pool, and takes one step towards it.
func (k *Keeper) Look(ctx context.Context, p config.Pool) error {
	if k.pools == nil {
		k.began, k.pools = k.Now(), map[string]*kept{}
	}

	at := k.pools[p.Name]
	if at == nil {
		at = &kept{}
		k.pools[p.Name] = at
	}

	now, err := k.Cluster.Replicas(ctx, p.Name)
	if err != nil {
		return err
	}

	s, err := k.state(ctx, p, at, now)
	if err != nil {
		return err
	}

	want, why := Decide(s)
	if want != at.want || why != at.why {
		k.Log.Info("a pool", "pool", p.Name, "servers", now, "wanted", want, "why", why)
	}

	at.want, at.why = want, why

	pods, err := k.Cluster.Pods(p.Name)
	if err != nil {
		return err
	}

	k.guard(ctx, at, pods)

	if want >= now {
		if err := k.spare(ctx, pods, nil); err != nil || want == now {
			return err
		}

		return k.Cluster.AtLeast(ctx, p.Name, want)
	}

	return k.takeOne(ctx, p.Name, at, now, pods)
}

// state is what a decision is made of. Work on a server that has not said so yet
// is work.
func (k *Keeper) state(ctx context.Context, p config.Pool, at *kept, replicas int32) (State, error) {
	c, now := k.Config(), k.Now()
	s := State{Min: p.Min, Max: p.Max, Replicas: replicas}

	if c.Sleep != nil {
		s.AfterIdle = time.Duration(c.Sleep.AfterIdle)

		asleep, err := Asleep(c.Sleep.Schedule, now)
		if err != nil {
			return s, err
		}

		s.Asleep = asleep
	}

	unknown := false

	for _, one := range k.Table.All(p.Name) {
		s.Queue += one.Queue
		unknown = unknown || (one.Ready && !one.Asked)
	}

	last, who, err := k.Active(ctx, p.Name)
	if err != nil {
		k.Log.Warn("nobody knows who is at work, so nothing is taken away", "error", err)

		unknown = true
	}

	if s.Queue > 0 || unknown {
		at.busy = now
	}

	if at.busy.After(last) {
		last, who = at.busy, "a prompt ran"
	}

	if k.began.After(last) {
		last, who = k.began, "the front door began to look"
	}

	s.Idle, s.Who = now.Sub(last), who
	at.deep, s.Deep = since(at.deep, IsDeep(s.Queue, replicas), now)
	at.calm, s.Calm = since(at.calm, s.Queue == 0 && !unknown, now)

	return s, nil
}

// since is how long something has been so.
func since(at time.Time, is bool, now time.Time) (time.Time, time.Duration) {
	switch {
	case !is:
		return time.Time{}, 0
	case at.IsZero():
		return now, 0
	}

	return at, now.Sub(at)
}

// takeOne takes away one server that has nothing to do. Kubernetes takes pods that
// are not ready first, whatever they cost, and a server that loads a model is not
// ready: while one is that has worked, nothing is taken.
func (k *Keeper) takeOne(ctx context.Context, pool string, at *kept, now int32, pods []*corev1.Pod) error {
	if len(pods) != int(now) || slices.ContainsFunc(pods, func(p *corev1.Pod) bool { return p.DeletionTimestamp != nil }) {
		// One comes or goes. It is looked at again when it has.
		return nil
	}

	victim := k.victim(pods)
	if victim == nil {
		return k.spare(ctx, pods, nil)
	}

	if err := k.spare(ctx, pods, victim); err != nil {
		return err
	}

	if !cluster.Parting(victim) {
		at.since = k.Now()
		return k.Cluster.Cost(ctx, victim.Name, cluster.Parted)
	}

	if at.since.IsZero() {
		at.since = k.Now()
	}

	if k.Now().Sub(at.since) < settled {
		return nil
	}

	k.Log.Info("a server is taken away", "pool", pool, "server", victim.Name)
	at.since = time.Time{}

	return k.Cluster.Down(ctx, pool, now)
}

// victim is the server that goes: one that never came up, or one with nothing to
// do. The one that was chosen before is chosen again.
func (k *Keeper) victim(pods []*corev1.Pod) *corev1.Pod {
	known := k.known()

	var fresh, idle []*corev1.Pod

	for _, p := range pods {
		s, there := known[string(p.UID)]

		switch {
		case !ready(p) && (!there || !s.Asked):
			fresh = append(fresh, p)
		case !ready(p):
			return nil
		case there && s.Asked && s.Queue == 0 && s.Misses == 0:
			idle = append(idle, p)
		}
	}

	for _, all := range [][]*corev1.Pod{fresh, idle} {
		if len(all) > 0 {
			return slices.MinFunc(all, func(a, b *corev1.Pod) int {
				return cmp.Or(-cmp.Compare(number(cluster.Parting(a)), number(cluster.Parting(b))), cmp.Compare(a.Name, b.Name))
			})
		}
	}

	return nil
}

// spare takes back that other servers shall go.
func (k *Keeper) spare(ctx context.Context, pods []*corev1.Pod, but *corev1.Pod) error {
	for _, p := range pods {
		if cluster.Parting(p) && p.DeletionTimestamp == nil && (but == nil || p.UID != but.UID) {
			if err := k.Cluster.Cost(ctx, p.Name, 0); err != nil {
				return err
			}
		}
	}

	return nil
}

func number(b bool) int {
	if b {
		return 1
	}

	return 0
}

func ready(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}
