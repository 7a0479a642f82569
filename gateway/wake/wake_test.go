package wake

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var began = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func at(seconds int) metav1.Time {
	return metav1.NewTime(began.Add(time.Duration(seconds) * time.Second))
}

type edit func(*corev1.Pod)

func pod(edits ...edit) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "server", CreationTimestamp: at(0)}}
	for _, e := range edits {
		e(p)
	}

	return p
}

func scheduled(p *corev1.Pod) {
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: at(60)}}
}

func unschedulable(p *corev1.Pod) {
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "no capacity"}}
}

func modelsState(s corev1.ContainerState) edit {
	return func(p *corev1.Pod) {
		p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "models", State: s}, {Name: "tools", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "PodInitializing"}}}}
	}
}

func server(s corev1.ContainerStatus) edit {
	return func(p *corev1.Pod) { s.Name = "comfyui"; p.Status.ContainerStatuses = []corev1.ContainerStatus{s} }
}

func isReady(p *corev1.Pod) {
	p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: at(200)})
}

// TestLook goes through what a pod goes through.
func TestLook(t *testing.T) {
	waiting := func(reason, message string) corev1.ContainerState {
		return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
	}
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at(150)}}
	over := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{StartedAt: at(150), FinishedAt: at(180)}}

	type want struct {
		States  []string
		Took    []int64
		Problem string
		Ready   bool
	}

	cases := map[string]struct {
		reason string
		pods   []*corev1.Pod
		now    int
		want   want
	}{
		"None":     {reason: "There is none yet.", now: 5, want: want{States: []string{Waits, Waits, Waits, Waits}, Took: []int64{0, 0, 0, 0}}},
		"Pending":  {reason: "A node is on its way.", pods: []*corev1.Pod{pod()}, now: 30, want: want{States: []string{Now, Waits, Waits, Waits}, Took: []int64{30, 0, 0, 0}}},
		"Soon":     {reason: "It takes its time, and that is no trouble.", pods: []*corev1.Pod{pod(unschedulable)}, now: 119, want: want{States: []string{Now, Waits, Waits, Waits}, Took: []int64{119, 0, 0, 0}}},
		"NoNode":   {reason: "For too long it is.", pods: []*corev1.Pod{pod(unschedulable)}, now: 121, want: want{States: []string{Now, Waits, Waits, Waits}, Took: []int64{121, 0, 0, 0}, Problem: "No node with a GPU could be started yet: no capacity"}},
		"Image":    {reason: "The image is fetched.", pods: []*corev1.Pod{pod(scheduled, modelsState(waiting("PodInitializing", "")))}, now: 100, want: want{States: []string{Done, Now, Waits, Waits}, Took: []int64{60, 40, 0, 0}}},
		"NoImage":  {reason: "Or cannot be.", pods: []*corev1.Pod{pod(scheduled, modelsState(waiting("ImagePullBackOff", "not found")))}, now: 100, want: want{States: []string{Done, Now, Waits, Waits}, Took: []int64{60, 40, 0, 0}, Problem: "The image cannot be fetched: not found"}},
		"Models":   {reason: "What waits for the models runs of the image, so that is there.", pods: []*corev1.Pod{pod(scheduled, modelsState(running))}, now: 160, want: want{States: []string{Done, Done, Now, Waits}, Took: []int64{60, 90, 10, 0}}},
		"Server":   {reason: "Then the server starts.", pods: []*corev1.Pod{pod(scheduled, modelsState(over))}, now: 190, want: want{States: []string{Done, Done, Done, Now}, Took: []int64{60, 90, 30, 10}}},
		"Crash":    {reason: "Or ends again and again.", pods: []*corev1.Pod{pod(scheduled, modelsState(over), server(corev1.ContainerStatus{RestartCount: 2, State: waiting("CrashLoopBackOff", ""), LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}}}))}, now: 190, want: want{States: []string{Done, Done, Done, Now}, Took: []int64{60, 90, 30, 10}, Problem: "comfyui was started 3 times and ended with code 137 (OOMKilled) the last time."}},
		"Ready":    {reason: "And is there.", pods: []*corev1.Pod{pod(scheduled, modelsState(over), isReady)}, now: 300, want: want{States: []string{Done, Done, Done, Done}, Took: []int64{60, 90, 30, 20}, Ready: true}},
		"Farthest": {reason: "Of several the one counts that is there first.", pods: []*corev1.Pod{pod(), pod(scheduled, modelsState(running))}, now: 160, want: want{States: []string{Done, Done, Now, Waits}, Took: []int64{60, 90, 10, 0}}},
		"Leaving":  {reason: "One that goes does not come.", pods: []*corev1.Pod{pod(scheduled, func(p *corev1.Pod) { p.DeletionTimestamp = new(at(1)) }), pod()}, now: 10, want: want{States: []string{Now, Waits, Waits, Waits}, Took: []int64{10, 0, 0, 0}}},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p := Look(tc.pods, began.Add(time.Duration(tc.now)*time.Second))

			got := want{Problem: p.Problem, Ready: p.Ready}
			for _, s := range p.Stages {
				got.States, got.Took = append(got.States, s.State), append(got.Took, s.Took/1000)
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nLook(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

type scaler struct {
	mu    sync.Mutex
	calls int
	err   error
	hold  chan struct{}
	pods  []*corev1.Pod
}

func (s *scaler) AtLeast(context.Context, string, int32) error {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.calls++
	if s.hold != nil {
		<-s.hold
	}

	return s.err
}

func (s *scaler) Pods(string) ([]*corev1.Pod, error) { return s.pods, nil }

// TestStorm has many ask at once.
func TestStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scaler{hold: make(chan struct{})}
		w := New(s, slog.New(slog.DiscardHandler), time.Now)

		for range 500 {
			w.Wake("default", "somebody")
		}

		close(s.hold)
		synctest.Wait()

		if s.calls != 1 {
			t.Errorf("500 at once scaled %d times", s.calls)
		}
	})
}

// TestBackOff wakes a pool that cannot be scaled for an hour, a visit each second.
func TestBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scaler{err: errors.New("no")}
		w := New(s, slog.New(slog.DiscardHandler), time.Now)

		for range 3600 {
			w.Wake("default", "somebody")
			time.Sleep(time.Second)
		}

		// 15, 30, 60, 120, 240 and then 300 seconds apart.
		if s.calls != 16 {
			t.Errorf("in an hour it was tried %d times", s.calls)
		}

		if got := w.Progress("default").Problem; got == "" {
			t.Error("nobody says that it does not work")
		}

		s.err = nil

		time.Sleep(longest)
		w.Wake("default", "somebody")
		synctest.Wait()

		if got := w.Progress("default").Problem; got != "" {
			t.Errorf("after it worked: %s", got)
		}
	})
}

// TestUsual learns from wakes what the next will take.
func TestUsual(t *testing.T) {
	s := &scaler{}
	w := New(s, slog.New(slog.DiscardHandler), func() time.Time { return began.Add(300 * time.Second) })

	if got := w.Rest("default"); got != usually {
		t.Errorf("before any wake: %s", got)
	}

	over := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{StartedAt: at(150), FinishedAt: at(180)}}
	s.pods = []*corev1.Pod{pod(scheduled, modelsState(over), isReady)}
	told := map[string]time.Duration{}
	w.Seen = func(pool, stage string, took time.Duration) { told[pool+" "+stage] += took }

	w.Progress("default")
	w.Progress("default")

	want := map[string]time.Duration{"default node": 60 * time.Second, "default image": 90 * time.Second, "default models": 30 * time.Second, "default server": 20 * time.Second}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("what metrics are told, once for each server: -want, +got:\n%s", diff)
	}

	s.pods = nil
	if got := w.Rest("default"); got != 200*time.Second {
		t.Errorf("after a wake of 200 s: %s", got)
	}
}
