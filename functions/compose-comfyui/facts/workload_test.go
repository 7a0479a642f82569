package facts_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plantest"
)

const seed = "0123456789abcdef0123456789abcdef"

// poolsPlan is that of a studio with two pools.
func poolsPlan(t *testing.T) plan.Plan {
	t.Helper()

	pool := func(name string) v1alpha1.Pool {
		return v1alpha1.Pool{
			Name: name, InstanceTypes: []string{"g6.2xlarge"}, Purchase: v1alpha1.PurchaseOnDemand,
			MaxGPUs: 4, Servers: v1alpha1.Servers{Min: new(int32(1)), Max: 3},
		}
	}

	return plantest.New(t, func(s *v1alpha1.ComfyUIStudioSpec) { s.Pools = []v1alpha1.Pool{pool("people"), pool("video")} })
}

// secret is the studio's Secret with a seed.
func secret(seed string) kittest.State {
	return kittest.State{APIVersion: "v1", Kind: "Secret", Data: map[string]any{"seed": base64.StdEncoding.EncodeToString([]byte(seed))}}
}

// deployment is a pool's Deployment that shall run some servers, of which some do.
func deployment(replicas, ready float64) kittest.State {
	return kittest.ReadyAt(map[string]any{"manifest": map[string]any{
		"kind": "Deployment", "spec": map[string]any{"replicas": replicas}, "status": map[string]any{"readyReplicas": ready},
	}})
}

// told is what the front door tells.
func told(text string) kittest.State {
	return kittest.ReadyAt(map[string]any{"manifest": map[string]any{"kind": "ConfigMap", "data": map[string]any{"status.json": text}}})
}

func TestPools(t *testing.T) {
	people, video := facts.Pool{Name: "people"}, facts.Pool{Name: "video"}

	cases := map[string]struct {
		reason     string
		observed   map[kit.Key]kittest.State
		remembered []v1alpha1.PoolStatus
		want       facts.Workload
	}{
		"Nothing": {
			reason: "Every pool of the spec is listed, in its order.",
			want:   facts.Workload{Pools: []facts.Pool{people, video}},
		},
		"FirstServer": {
			reason:   "A Deployment tells of a ready server before the front door does.",
			observed: map[kit.Key]kittest.State{plan.Servers("people"): deployment(1, 1), plan.Servers("video"): deployment(1, 0)},
			want: facts.Workload{Pools: []facts.Pool{
				{Name: "people", Servers: 1, ServersReady: 1, Started: true}, {Name: "video", Servers: 1},
			}},
		},
		"Asleep": {
			reason:     "A pool that has shown a server once has shown it, asleep or not.",
			observed:   map[kit.Key]kittest.State{plan.Servers("people"): deployment(0, 0)},
			remembered: []v1alpha1.PoolStatus{{Name: "people", Servers: 1, ServersReady: 1, Started: true}},
			want:       facts.Workload{Pools: []facts.Pool{{Name: "people", Started: true}, video}},
		},
		"Told": {
			reason: "What the front door tells is more, and goes over what the Deployment does.",
			observed: map[kit.Key]kittest.State{
				plan.Servers("people"): deployment(1, 1),
				plan.StudioStatus: told(`{"pools":[
					{"name":"people","nodes":2,"servers":3,"serversReady":2,"queue":7,"troubles":[{"reason":"Crashing","message":"exit 1"}]},
					{"name":"gone","nodes":9}],"models":{"nodes":3,"equal":2,"skipped":1,"lastError":"i-1: no","total":3},"later":true}`),
			},
			want: facts.Workload{Pools: []facts.Pool{{
				Name: "people", Nodes: 2, Servers: 3, ServersReady: 2, Queue: 7, Told: true, Started: true,
				Troubles: []facts.Trouble{{Reason: facts.Crashing, Message: "exit 1"}},
			}, video}, Models: facts.NodeModels{Nodes: 3, Equal: 2, Skipped: 1, LastError: "i-1: no"}},
		},
		"StatusLost": {
			reason: "What was known stays known while nothing is seen.",
			observed: map[kit.Key]kittest.State{
				plan.Servers("people"): {}, plan.StudioStatus: {},
			},
			remembered: []v1alpha1.PoolStatus{{Name: "people", Nodes: 2, Servers: 3, ServersReady: 2, Queue: 5, Started: true}, {Name: "older"}},
			want:       facts.Workload{Pools: []facts.Pool{{Name: "people", Nodes: 2, Servers: 3, ServersReady: 2, Queue: 5, Started: true}, video}},
		},
		"NoConfigMap": {
			reason:   "Nobody has written it yet: that is an answer.",
			observed: map[kit.Key]kittest.State{plan.StudioStatus: kittest.ReadyAt(map[string]any{})},
			want:     facts.Workload{Pools: []facts.Pool{people, video}},
		},
		"Garbage": {
			reason:   "Text that is no status is said to be none, and stops nothing.",
			observed: map[kit.Key]kittest.State{plan.StudioStatus: told(`{"pools":[{"name":"people","nodes":"two"}]}`)},
			want: facts.Workload{
				Pools:         []facts.Pool{people, video},
				StatusTrouble: `json: cannot unmarshal string into Go struct field .pools.nodes of type int32`,
			},
		},
		"BelowZero": {
			reason:   "So are counts that cannot be.",
			observed: map[kit.Key]kittest.State{plan.StudioStatus: told(`{"pools":[{"name":"people","queue":-1},{"name":"video","nodes":1}]}`)},
			want: facts.Workload{
				Pools:         []facts.Pool{people, {Name: "video", Nodes: 1, Told: true}},
				StatusTrouble: "pool people has a count below zero",
			},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			f, err := facts.From(poolsPlan(t), observe(tc.observed), v1alpha1.ComfyUIStudioStatus{Pools: tc.remembered})
			if err != nil {
				t.Fatalf("%s\nFrom(...): %v", tc.reason, err)
			}

			if diff := cmp.Diff(tc.want, f.Workload); diff != "" {
				t.Errorf("%s\nFrom(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestSeed(t *testing.T) {
	login := v1alpha1.ComfyUIStudioStatus{LoginSecretRef: &v1alpha1.SecretRef{Name: "tokyo-128572-workload-secret"}}

	type want struct {
		Seed string
		Seen bool
		Err  string
	}

	cases := map[string]struct {
		reason     string
		observed   map[kit.Key]kittest.State
		remembered v1alpha1.ComfyUIStudioStatus
		want       want
	}{
		"Never": {
			reason: "A new studio has none.",
		},
		"Observed": {
			reason:   "It is read where it lies.",
			observed: map[kit.Key]kittest.State{plan.StudioSecret: secret(seed)},
			want:     want{Seed: seed, Seen: true},
		},
		"Longer": {
			reason:   "People may write one of their own, as long as they like.",
			observed: map[kit.Key]kittest.State{plan.StudioSecret: secret(seed + seed)},
			want:     want{Seed: seed + seed, Seen: true},
		},
		"GoneAndRemembered": {
			reason:     "The status remembers that there was one.",
			remembered: login,
			want:       want{Seen: true},
		},
		"GoneAndUsed": {
			reason:   "So does what carries it on, where nobody logs in with a password.",
			observed: map[kit.Key]kittest.State{plan.FrontDoorSecret: kittest.Ready()},
			want:     want{Seen: true},
		},
		"TooShort": {
			reason:   "A password that could be found by trying is none.",
			observed: map[kit.Key]kittest.State{plan.StudioSecret: secret("hunter2")},
			want: want{Err: "Secret art/tokyo-128572-workload-secret: key seed holds 7 bytes and needs 32 random ones, which the studio's password is derived from; " +
				"restore it, or write new ones for a new password, see docs/runbooks/password.md"},
		},
		"Emptied": {
			reason:   "A Secret without the key is no new studio's.",
			observed: map[kit.Key]kittest.State{plan.StudioSecret: {APIVersion: "v1", Kind: "Secret"}},
			want: want{Err: "Secret art/tokyo-128572-workload-secret: key seed holds 0 bytes and needs 32 random ones, which the studio's password is derived from; " +
				"restore it, or write new ones for a new password, see docs/runbooks/password.md"},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			f, err := facts.From(poolsPlan(t), observe(tc.observed), tc.remembered)

			got := want{Seed: f.Workload.Seed, Seen: f.Workload.SeedSeen}
			if err != nil {
				got = want{Err: err.Error()}
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nFrom(...): -want, +got:\n%s", tc.reason, diff)
			}

			// What goes wrong with a seed is told without telling it.
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s\nFrom(...): the error holds the seed: %v", tc.reason, err)
			}
		})
	}
}
