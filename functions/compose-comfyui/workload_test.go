package main

import (
	"testing"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
)

func TestBucket(t *testing.T) {
	cases := map[int32]int32{
		0: 0, 1: 1, 2: 2, 3: 2, 4: 2, 5: 5, 9: 5, 10: 10, 19: 10, 20: 20, 49: 20, 50: 50, 99: 50, 100: 100,
		999: 500, 1999999999: 1000000000, 2147483647: 2000000000,
	}
	for n, want := range cases {
		if got := bucket(n); got != want {
			t.Errorf("bucket(%d): want %d, got %d", n, want, got)
		}
	}
}

// TestWorkloadSays tells what people see of servers, before the first Ready and
// after it.
func TestWorkloadSays(t *testing.T) {
	up := func(name string, more ...facts.Trouble) facts.Pool {
		return facts.Pool{Name: name, Servers: 1, ServersReady: 1, Started: true, Troubles: more}
	}

	cases := map[string]struct {
		reason   string
		workload facts.Workload
		want     statement
	}{
		"AllUp": {
			reason:   "There is nothing to say.",
			workload: facts.Workload{Pools: []facts.Pool{up("people"), up("video")}},
		},
		"NeverStarted": {
			reason:   "Each pool shows that it can start a server before the studio is Ready.",
			workload: facts.Workload{Pools: []facts.Pool{up("people"), {Name: "video", Servers: 1}}},
			want:     statement{reason: v1alpha1.ReasonCreating, message: "starting: the first server of pool video", holds: true},
		},
		"FirstFails": {
			reason: "Until then a failure holds the studio.",
			workload: facts.Workload{Pools: []facts.Pool{{
				Name: "people", Servers: 1, Troubles: []facts.Trouble{{Reason: facts.ImagePullFailed, Message: "403 Forbidden."}},
			}}},
			want: statement{
				reason: v1alpha1.ReasonFailed, holds: true,
				message: "pool people: the image cannot be pulled (403 Forbidden); see ImageReady; with spec.image.uri, let the studio's nodes pull from its registry",
			},
		},
		"LaterFails": {
			reason:   "Afterwards it is told and holds nothing.",
			workload: facts.Workload{Pools: []facts.Pool{up("people", facts.Trouble{Reason: facts.Crashing}), up("video")}},
			want: statement{
				reason:  v1alpha1.ReasonFailed,
				message: "pool people: ComfyUI ends again and again; its log says why; a custom node or one of spec.pools[].args may be wrong",
			},
		},
		"NoNode": {
			reason:   "Capacity speaks for itself.",
			workload: facts.Workload{Pools: []facts.Pool{{Name: "people", Servers: 2, ServersReady: 1, Started: true, Troubles: []facts.Trouble{{Reason: facts.QuotaExceeded}}}}},
			want:     statement{reason: v1alpha1.ReasonCreating, message: "starting: 1 of 2 servers of pool people"},
		},
		"UnknownTrouble": {
			reason:   "A newer front door may know more.",
			workload: facts.Workload{Pools: []facts.Pool{up("people", facts.Trouble{Reason: "Haunted", Message: "boo"})}},
			want:     statement{reason: v1alpha1.ReasonFailed, message: "pool people: Haunted (boo); see the pods in namespace comfyui of the studio's cluster"},
		},
		"Asleep": {
			reason:   "Nothing runs, and nothing should.",
			workload: facts.Workload{Pools: []facts.Pool{{Name: "people", Started: true}, {Name: "video", Started: true}}},
			want:     statement{reason: v1alpha1.ReasonAsleep, ok: true, message: "the next visit or prompt starts a server, which takes minutes"},
		},
		"OneAsleep": {
			reason:   "A studio of which a pool is awake is awake.",
			workload: facts.Workload{Pools: []facts.Pool{up("people"), {Name: "video", Started: true}}},
		},
		"Waking": {
			reason:   "A server that starts is told and holds nothing.",
			workload: facts.Workload{Pools: []facts.Pool{{Name: "people", Servers: 1, Started: true}}},
			want:     statement{reason: v1alpha1.ReasonCreating, message: "starting: 0 of 1 servers of pool people"},
		},
		"Garbage": {
			reason:   "A front door that tells nonsense is named, with what to do.",
			workload: facts.Workload{StatusTrouble: "invalid character 'x'", Pools: []facts.Pool{up("people")}},
			want: statement{
				reason: v1alpha1.ReasonFailed,
				message: "ConfigMap comfyui/studio-status in the studio's cluster, which its front door writes, cannot be read: invalid character 'x'; " +
					"start the front door again with kubectl -n comfyui rollout restart deployment/front-door",
			},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := workloadSays(answer{facts: facts.Facts{Workload: tc.workload}})
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(statement{})); diff != "" {
				t.Errorf("%s\nworkloadSays(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestSleeping lets a finished studio's servers go to sleep and fail: the claim
// stays Ready, and WorkloadReady says how they are.
func TestSleeping(t *testing.T) {
	w := newWorld(t, loadClaim(t, "testdata/claims/single.yaml"))
	w.settle()

	if got := w.run().GetDesired().GetComposite().GetReady(); got != fnv1.Ready_READY_TRUE {
		t.Fatalf("the studio is not ready to begin with: %s", got)
	}

	tell := func(text string) {
		setIn(t, w.observed["workload-status"], map[string]any{"status.json": text}, "status", "atProvider", "manifest", "data")
	}

	for _, tc := range []struct{ reason, told, want string }{
		{"Asleep.", `{"pools":[{"name":"default","nodes":0,"servers":0,"serversReady":0}]}`, "Asleep"},
		{"Waking.", `{"pools":[{"name":"default","nodes":1,"servers":1,"serversReady":0}]}`, "Creating"},
		{"Failing.", `{"pools":[{"name":"default","nodes":1,"servers":1,"serversReady":0,"troubles":[{"reason":"Crashing"}]}]}`, "Failed"},
		{"Nonsense.", `{"pools":`, "Failed"},
	} {
		tell(tc.told)

		rsp := w.run()

		for _, c := range rsp.GetConditions() {
			if c.GetType() == string(v1alpha1.WorkloadReady) && c.GetReason() != tc.want {
				t.Errorf("%s\nWorkloadReady: want %s, got %s", tc.reason, tc.want, protojson.Format(c))
			}
		}

		if got := rsp.GetDesired().GetComposite().GetReady(); got != fnv1.Ready_READY_TRUE {
			t.Errorf("%s\nWhat servers do changes WorkloadReady, not Ready: got %s", tc.reason, got)
		}
	}
}
