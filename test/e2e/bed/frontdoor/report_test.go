package frontdoor

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestCapacityReason(t *testing.T) {
	cases := map[string]struct{ message, want string }{
		"Spot":   {"NodeClaim a event: creating instance, insufficient capacity, with fleet error(s), InsufficientInstanceCapacity: There is no Spot capacity available that matches your request.", "SpotShortage"},
		"Any":    {"NodeClaim a event: creating instance, insufficient capacity, with fleet error(s), InsufficientInstanceCapacity: We currently do not have sufficient capacity", "InsufficientCapacity"},
		"Quota":  {"NodeClaim a event: creating instance, insufficient capacity, with fleet error(s), VcpuLimitExceeded: You have requested more vCPU capacity", "QuotaExceeded"},
		"Limits": {`Failed to schedule pod, all available instance types exceed limits for nodepool: "gpu"`, "LimitReached"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, capacityReason(tc.message)); diff != "" {
				t.Errorf("capacityReason(%q): -want, +got:\n%s", tc.message, diff)
			}
		})
	}
}

// TestTellsMore holds that a reason is told for as long as it is one, and not
// what Karpenter says of the pod meanwhile.
func TestTellsMore(t *testing.T) {
	at := func(second int64, message string) *corev1.Event {
		return &corev1.Event{LastTimestamp: metav1.Unix(second, 0), Message: message}
	}
	refused, gone := at(1, "VcpuLimitExceeded: more vCPU"), at(2, "no instance type met all requirements or had the required offering")

	cases := map[string]struct {
		reason  string
		e, than *corev1.Event
		want    bool
	}{
		"First":  {"Anything is more than nothing.", gone, nil, true},
		"Vague":  {"No offering is left, because of what was said before.", gone, refused, false},
		"Reason": {"A reason counts, whenever it was given.", refused, gone, true},
		"Later":  {"Of two reasons the later one counts.", at(3, "no Spot capacity"), refused, true},
		"Before": {"And not the earlier one.", refused, at(3, "no Spot capacity"), false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := tellsMore(tc.e, tc.than); got != tc.want {
				t.Errorf("%s\ntellsMore(...): want %t, got %t", tc.reason, tc.want, got)
			}
		})
	}
}

func TestOfContainers(t *testing.T) {
	waits := func(container, reason, message string) corev1.ContainerStatus {
		return corev1.ContainerStatus{Name: container, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}}
	}
	spec := corev1.PodSpec{InitContainers: []corev1.Container{{Name: "models"}}, Containers: []corev1.Container{{Name: "comfyui"}}}

	cases := map[string]struct {
		reason string
		status corev1.PodStatus
		want   []trouble
	}{
		"Starting": {
			"A pod that starts has no trouble.",
			corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{waits("comfyui", "PodInitializing", "")}},
			[]trouble{},
		},
		"Image": {
			"One whose image cannot be pulled has.",
			corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{waits("comfyui", "ImagePullBackOff", "not found")}},
			[]trouble{{"ImagePullFailed", "not found"}},
		},
		"Init": {
			"An init container that fails has no models.",
			corev1.PodStatus{InitContainerStatuses: []corev1.ContainerStatus{waits("models", "CrashLoopBackOff", "no models")}},
			[]trouble{{"ModelsNotReady", "no models"}},
		},
		"Crash": {
			"A server that fails crashes.",
			corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{waits("comfyui", "CrashLoopBackOff", "exit 1")}},
			[]trouble{{"Crashing", "exit 1"}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, ofContainers(&corev1.Pod{Spec: spec, Status: tc.status})); diff != "" {
				t.Errorf("%s\nofContainers(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
