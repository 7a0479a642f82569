// Package status tells the studio's claim how its pools go: one document in a
// ConfigMap that the composition observes. It is written when it has changed, and
// at most once a minute: each write wakes the studio's controller.
package status

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/comfyui-studio/comfyui-studio/gateway/config"
	"github.com/comfyui-studio/comfyui-studio/gateway/nodes"
	"github.com/comfyui-studio/comfyui-studio/gateway/servers"
	"github.com/comfyui-studio/comfyui-studio/gateway/wake"
)

const (
	// Name and key are where the composition looks.
	name = "studio-status"
	key  = "status.json"
	// least is the time between two writes, and look how often a change is looked for.
	least = time.Minute
	look  = 5 * time.Second
)

// A Cluster is what is looked at, and where it is written.
type Cluster interface {
	Replicas(ctx context.Context, pool string) (int32, error)
	Pods(pool string) ([]*corev1.Pod, error)
	Tell(ctx context.Context, name string, data map[string]string) error
}

// A Teller writes the status while its front door leads.
type Teller struct {
	Config  func() config.Config
	Cluster Cluster
	Table   *servers.Table
	// Models tells how nodes' models are; nil where nobody knows.
	Models func(ctx context.Context) (*nodes.Summary, error)
	Log    *slog.Logger
	Now    func() time.Time

	told string
	at   time.Time
	// failed says that nobody knew the last time how models are.
	failed bool
}

// Status is the document.
type Status struct {
	Pools  []Pool         `json:"pools"`
	Models *nodes.Summary `json:"models,omitempty"`
}

// A Pool is how one goes.
type Pool struct {
	Name         string    `json:"name"`
	Nodes        int32     `json:"nodes"`
	Servers      int32     `json:"servers"`
	ServersReady int32     `json:"serversReady"`
	Queue        int32     `json:"queue"`
	Troubles     []Trouble `json:"troubles,omitempty"`
}

// A Trouble does not go away by waiting.
type Trouble struct {
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// Run tells until the context ends.
func (t *Teller) Run(ctx context.Context) {
	tick := time.NewTicker(look)
	defer tick.Stop()

	for {
		if err := t.Look(ctx); err != nil && ctx.Err() == nil {
			t.Log.Error("cannot tell how the studio goes", "error", err)
		}

		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Look writes the status if it has changed and it is time.
func (t *Teller) Look(ctx context.Context) error {
	s, err := t.status(ctx)
	if err != nil {
		return err
	}

	b, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("cannot marshal the status: %w", err)
	}

	if string(b) == t.told || (t.told != "" && t.Now().Sub(t.at) < least) {
		return nil
	}

	if err := t.Cluster.Tell(ctx, name, map[string]string{key: string(b)}); err != nil {
		return err
	}

	t.told, t.at = string(b), t.Now()

	return nil
}

func (t *Teller) status(ctx context.Context) (Status, error) {
	out := Status{Pools: []Pool{}}

	for _, p := range t.Config().Pools {
		n, err := t.Cluster.Replicas(ctx, p.Name)
		if err != nil {
			return out, err
		}

		pods, err := t.Cluster.Pods(p.Name)
		if err != nil {
			return out, err
		}

		out.Pools = append(out.Pools, t.pool(p.Name, n, pods))
	}

	if t.Models != nil {
		m, err := t.Models(ctx)
		if err != nil && !t.failed {
			// Pools are told of all the same.
			t.Log.Warn("cannot tell how nodes' models are", "error", err)
		}

		out.Models, t.failed = m, err != nil
	}

	return out, nil
}

func (t *Teller) pool(name string, replicas int32, pods []*corev1.Pod) Pool {
	out, nodes := Pool{Name: name, Servers: replicas}, map[string]bool{}
	seen := map[Trouble]bool{}

	for _, p := range pods {
		if p.Spec.NodeName != "" {
			nodes[p.Spec.NodeName] = true
		}

		if one := wake.Look([]*corev1.Pod{p}, t.Now()); one.Reason != "" && !one.Ready {
			trouble := Trouble{one.Reason, one.Problem}
			if !seen[trouble] {
				seen[trouble] = true
				out.Troubles = append(out.Troubles, trouble)
			}
		}
	}

	for _, s := range t.Table.All(name) {
		out.Queue += int32(s.Queue) //nolint:gosec // Queues are bounded.

		if s.Takes() {
			out.ServersReady++
		}
	}

	out.Nodes = int32(len(nodes)) //nolint:gosec // There are as many as pods.

	return out
}
