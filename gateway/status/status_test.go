package status

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/gateway/config"
	"github.com/comfyui-studio/comfyui-studio/gateway/nodes"
	"github.com/comfyui-studio/comfyui-studio/gateway/servers"
)

type cluster struct {
	replicas int32
	pods     []*corev1.Pod
	writes   int
	text     string
}

func (c *cluster) Replicas(context.Context, string) (int32, error) { return c.replicas, nil }
func (c *cluster) Pods(string) ([]*corev1.Pod, error)              { return c.pods, nil }
func (c *cluster) Tell(_ context.Context, name string, data map[string]string) error {
	if name == plan.StatusName {
		c.writes, c.text = c.writes+1, data["status.json"]
	}

	return nil
}

// TestLook goes through a studio's day, and counts what is written.
func TestLook(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	c := &cluster{}
	teller := &Teller{
		Config: func() config.Config { return config.Config{Pools: []config.Pool{{Name: "default"}}} }, Cluster: c, Table: servers.NewTable(),
		Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now },
	}
	look := func(wait time.Duration, writes int, want Pool, reason string) {
		t.Helper()

		now = now.Add(wait)

		if err := teller.Look(t.Context()); err != nil {
			t.Fatal(err)
		}

		var got Status
		if err := json.Unmarshal([]byte(c.text), &got); err != nil {
			t.Fatal(err)
		}

		if diff := cmp.Diff(Status{Pools: []Pool{want}}, got); diff != "" || c.writes != writes {
			t.Errorf("%s\nwant %d writes, got %d; -want, +got:\n%s", reason, writes, c.writes, diff)
		}
	}

	look(0, 1, Pool{Name: "default"}, "What sleeps is told of at once.")
	look(time.Hour, 1, Pool{Name: "default"}, "And not again.")

	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a", UID: "a", CreationTimestamp: metav1.NewTime(now)}}
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "no capacity"}}
	c.replicas, c.pods = 1, []*corev1.Pod{pod}

	look(time.Second, 2, Pool{Name: "default", Servers: 1}, "A change is told of.")
	look(0, 2, Pool{Name: "default", Servers: 1}, "What has not changed is not.")
	look(3*time.Minute, 3, Pool{Name: "default", Servers: 1, Troubles: []Trouble{{"InsufficientCapacity", "No node with a GPU could be started yet: no capacity"}}}, "Trouble is told of.")

	pod.Spec.NodeName = "node"
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}, {Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	pod.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "models", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}}}
	teller.Table.Set([]servers.Endpoint{{UID: "a", Pod: "a", Pool: "default", Ready: true}}, now)
	teller.Table.Answered(teller.Table.All("")[0].Tag, 3, nil)

	before := Pool{Name: "default", Servers: 1, Troubles: []Trouble{{"InsufficientCapacity", "No node with a GPU could be started yet: no capacity"}}}
	look(time.Second, 3, before, "Within a minute nothing is told.")
	look(time.Minute, 4, Pool{Name: "default", Nodes: 1, Servers: 1, ServersReady: 1, Queue: 3}, "Then it is.")
}

// TestModels holds that how models are is told with the pools, and never instead of
// them.
func TestModels(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	c := &cluster{}

	var (
		models *nodes.Summary
		err    error
	)

	teller := &Teller{
		Config: func() config.Config { return config.Config{Pools: []config.Pool{{Name: "default"}}} }, Cluster: c, Table: servers.NewTable(),
		Models: func(context.Context) (*nodes.Summary, error) { return models, err },
		Log:    slog.New(slog.DiscardHandler), Now: func() time.Time { return now },
	}

	for _, step := range []struct {
		reason string
		models *nodes.Summary
		err    error
		want   string
	}{
		{reason: "Where nobody knows nothing is told.", want: `{"pools":[{"name":"default","nodes":0,"servers":0,"serversReady":0,"queue":0}]}`},
		{
			reason: "What is known is.", models: &nodes.Summary{Nodes: 2, Equal: 1, LastError: "i-1: no"},
			want: `{"pools":[{"name":"default","nodes":0,"servers":0,"serversReady":0,"queue":0}],"models":{"nodes":2,"equal":1,"lastError":"i-1: no"}}`,
		},
		{reason: "What cannot be read keeps no pool back.", err: errors.New("denied"), want: `{"pools":[{"name":"default","nodes":0,"servers":0,"serversReady":0,"queue":0}]}`},
	} {
		now = now.Add(time.Hour)
		models, err = step.models, step.err

		if lookErr := teller.Look(t.Context()); lookErr != nil {
			t.Fatal(lookErr)
		}

		if diff := cmp.Diff(step.want, c.text); diff != "" {
			t.Errorf("%s\nstatus: -want, +got:\n%s", step.reason, diff)
		}
	}
}
