package keep

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comfyui-studio/comfyui-studio/gateway/config"
	"github.com/comfyui-studio/comfyui-studio/gateway/servers"
)

const (
	cost  = "controller.kubernetes.io/pod-deletion-cost"
	guard = "karpenter.sh/do-not-disrupt"
)

// A studio is a pool that scales as a ReplicaSet does: pods that are not ready go
// first, then those that cost least.
type studio struct {
	*testing.T

	table    *servers.Table
	replicas int32
	pods     []*corev1.Pod
	queues   map[types.UID]int
	// killed are pods that were taken away while they had something to do.
	killed []string
	// marks counts how often somebody was marked, or no longer.
	marks  int
	made   int
	clock  time.Time
	active time.Time
	err    error
	keeper *Keeper
	pool   config.Pool
}

func newStudio(t *testing.T, pool config.Pool, sleep *config.Sleep) *studio {
	t.Helper()

	s := &studio{T: t, table: servers.NewTable(), queues: map[types.UID]int{}, clock: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC), pool: pool}
	s.keeper = &Keeper{
		Config:  func() config.Config { return config.Config{Pools: []config.Pool{pool}, Sleep: sleep} },
		Cluster: s, Table: s.table, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return s.clock },
		Active: func(context.Context, string) (time.Time, string, error) { return s.active, "alice", s.err },
	}

	return s
}

func (s *studio) Replicas(context.Context, string) (int32, error) { return s.replicas, nil }

func (s *studio) AtLeast(_ context.Context, _ string, n int32) error {
	s.replicas = max(s.replicas, n)
	s.reconcile()

	return nil
}

func (s *studio) Down(_ context.Context, _ string, from int32) error {
	if s.replicas == from {
		s.replicas--
	}

	s.reconcile()

	return nil
}

func (s *studio) Cost(_ context.Context, pod string, n int) error {
	for _, p := range s.pods {
		if p.Name == pod {
			metav1.SetMetaDataAnnotation(&p.ObjectMeta, cost, strconv.Itoa(n))
		}
	}

	return nil
}

func (s *studio) Guard(_ context.Context, pod string, on bool) error {
	for _, p := range s.pods {
		switch {
		case p.Name != pod:
		case on:
			metav1.SetMetaDataAnnotation(&p.ObjectMeta, guard, "true")
		default:
			delete(p.Annotations, guard)
		}
	}

	s.marks++

	return nil
}

func (s *studio) Pods(string) ([]*corev1.Pod, error) { return slices.Clone(s.pods), nil }

func (s *studio) reconcile() {
	for len(s.pods) < int(s.replicas) {
		s.made++
		name := fmt.Sprintf("server-%d", s.made)
		s.pods = append(s.pods, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID("uid-" + name)}})
	}

	for len(s.pods) > int(s.replicas) {
		i := s.first()
		p := s.pods[i]

		if s.queues[p.UID] > 0 {
			s.killed = append(s.killed, p.Name)
		}

		s.pods = slices.Delete(s.pods, i, i+1)
	}

	s.show()
}

// first is the pod that a ReplicaSet takes first.
func (s *studio) first() int {
	rank := func(p *corev1.Pod) int {
		n := 0
		if ready(p) {
			n += 1000
		}

		if p.Annotations[cost] == "-100" {
			n -= 100
		}

		return n
	}

	best := 0
	for i, p := range s.pods {
		if rank(p) < rank(s.pods[best]) {
			best = i
		}
	}

	return best
}

// show has the front door see the pods, and ask those that are ready.
func (s *studio) show() {
	var all []servers.Endpoint
	for _, p := range s.pods {
		all = append(all, servers.Endpoint{UID: string(p.UID), Pod: p.Name, Pool: s.pool.Name, Ready: ready(p), Draining: p.Annotations[cost] == "-100"})
	}

	s.table.Set(all, s.clock)

	for _, one := range s.table.All("") {
		if one.Ready {
			s.table.Answered(one.Tag, s.queues[types.UID(one.UID)], nil)
		}
	}
}

func (s *studio) up(p *corev1.Pod, is bool) {
	status := corev1.ConditionFalse
	if is {
		status = corev1.ConditionTrue
	}

	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: status}}
	s.show()
}

// pass lets time go by, in the keeper's steps.
func (s *studio) pass(d time.Duration, each func()) {
	s.Helper()

	for end := s.clock.Add(d); s.clock.Before(end); s.clock = s.clock.Add(every) {
		if each != nil {
			each()
		}

		s.show()

		if err := s.keeper.Look(s.Context(), s.pool); err != nil {
			s.Fatal(err)
		}
	}
}

func (s *studio) want(n int32, reason string) {
	s.Helper()

	if s.replicas != n {
		s.Errorf("%s\nwant %d servers, got %d", reason, n, s.replicas)
	}
}

func (s *studio) allUp() {
	for _, p := range s.pods {
		s.up(p, true)
	}
}

func TestSleep(t *testing.T) {
	s := newStudio(t, config.Pool{Name: "default", Min: 1, Max: 3}, &config.Sleep{AfterIdle: config.Duration(time.Hour)})
	s.pass(time.Minute, s.allUp)
	s.want(1, "A pool has its least.")

	s.pass(58*time.Minute, s.allUp)
	s.want(1, "Nobody has worked, but not for an hour.")
	s.pass(2*time.Minute, s.allUp)
	s.want(0, "Then it sleeps.")
	s.pass(24*time.Hour, s.allUp)
	s.want(0, "And goes on sleeping.")

	s.active = s.clock
	s.pass(time.Minute, s.allUp)
	s.want(1, "Somebody works.")
	s.pass(50*time.Minute, func() { s.allUp(); s.active = s.clock })
	s.pass(59*time.Minute, s.allUp)
	s.want(1, "Their last work counts.")

	for _, p := range s.pods {
		s.queues[p.UID] = 1
	}

	s.pass(10*time.Hour, s.allUp)
	s.want(1, "What runs for ten hours is not put to sleep.")
}

func TestNobodyKnows(t *testing.T) {
	s := newStudio(t, config.Pool{Name: "default", Min: 0, Max: 3}, &config.Sleep{AfterIdle: config.Duration(time.Hour)})
	s.replicas = 1
	s.reconcile()

	s.err = errors.New("the other front door does not answer")
	s.pass(10*time.Hour, s.allUp)
	s.want(1, "Whoever cannot ask all takes nothing away.")
}

// TestBlip has a busy server be not ready while another could go: Kubernetes would
// take the busy one.
func TestBlip(t *testing.T) {
	s := newStudio(t, config.Pool{Name: "default", Min: 1, Max: 3}, nil)
	s.replicas = 2
	s.reconcile()
	s.allUp()

	busy := s.pods[0]
	s.queues[busy.UID] = 1
	s.show()
	s.up(busy, false)
	// The pool's most was lowered, so one shall go at once.
	s.pool.Max = 1
	s.pass(time.Hour, nil)
	s.want(2, "While a busy server is not ready nothing goes.")

	s.up(busy, true)
	s.pass(time.Minute, nil)
	s.want(1, "Then the other one does.")

	if len(s.killed) > 0 || s.pods[0] != busy {
		t.Errorf("busy servers were taken away: %v", s.killed)
	}
}

// TestVisited has somebody come to the server that shall go.
func TestVisited(t *testing.T) {
	s := newStudio(t, config.Pool{Name: "default", Min: 1, Max: 1}, nil)
	s.replicas = 2
	s.reconcile()
	s.allUp()
	s.pass(every, nil)

	var chosen *corev1.Pod
	for _, p := range s.pods {
		if p.Annotations[cost] == "-100" {
			chosen = p
		}
	}

	if chosen == nil {
		t.Fatal("no server shall go")
	}

	// What was on its way comes.
	s.queues[chosen.UID] = 1
	s.pass(time.Minute, nil)
	s.want(1, "The other one goes.")

	if len(s.killed) > 0 || s.pods[0] != chosen || chosen.Annotations[cost] == "-100" {
		t.Errorf("a server with a prompt was taken away, or shall still go: %v", s.killed)
	}
}

// TestNeverBusy is a random life of a pool. A server that has something to do is
// never taken away.
func TestNeverBusy(t *testing.T) {
	for range 30 {
		seed := rand.Uint64()
		r := rand.New(rand.NewPCG(seed, 0))
		s := newStudio(t, config.Pool{Name: "default", Min: int32(r.IntN(2)), Max: 1 + int32(r.IntN(6))}, &config.Sleep{AfterIdle: config.Duration(20 * time.Minute)})

		s.pass(12*time.Hour, func() {
			if r.IntN(200) == 0 {
				s.active = s.clock
				_ = s.AtLeast(t.Context(), "default", 1)
			}

			for _, p := range s.pods {
				switch r.IntN(40) {
				case 0:
					s.up(p, true)
				case 1:
					s.up(p, r.IntN(3) > 0)
				case 2:
					// Work comes to servers that take it alone.
					if ready(p) && p.Annotations[cost] != "-100" && r.IntN(8) == 0 {
						s.queues[p.UID] += 1 + r.IntN(8)
					}
				case 3, 4:
					s.queues[p.UID] = max(0, s.queues[p.UID]-1)
				}
			}
		})

		if len(s.killed) > 0 {
			t.Fatalf("seed %d: taken away with work: %v", seed, s.killed)
		}
	}
}
