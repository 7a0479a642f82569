// Package wake starts servers when somebody needs one, and tells in words how far
// they have come. It knows what the studio's namespace shows of pods, and nothing
// of nodes: that is enough for honest stages.
package wake

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// States of a stage.
const (
	Waits = "waits"
	Now   = "now"
	Done  = "done"
)

// Reasons of a problem, as the studio's status has them.
const (
	InsufficientCapacity = "InsufficientCapacity"
	ImagePullFailed      = "ImagePullFailed"
	ModelsNotReady       = "ModelsNotReady"
	Crashing             = "Crashing"
	OutOfMemory          = "OutOfMemory"
)

// stages are what a server goes through, in order.
var stages = []string{"A node with a GPU", "ComfyUI's image", "Models", "The server"} //nolint:gochecknoglobals // A constant that Go has no const for.

// labels name them in metrics.
var labels = [stageCount]string{"node", "image", "models", "server"} //nolint:gochecknoglobals // As above.

const (
	stageNode = iota
	stageImage
	stageModels
	stageServer
	stageCount
)

const (
	// container runs ComfyUI, and awaiting holds it back until the node has the
	// models. Both are of the same image.
	container = "comfyui"
	awaiting  = "models"
	// patience is how long no node is no trouble yet.
	patience = 2 * time.Minute
)

// A Stage is one of them as it goes. Times are in milliseconds.
type Stage struct {
	Name  string `json:"name"`
	State string `json:"state"`
	Took  int64  `json:"took"`
	Usual int64  `json:"usual,omitempty"`
}

// Progress is how far a pool's first server has come.
type Progress struct {
	Ready   bool   `json:"ready"`
	Summary string `json:"summary"`
	Problem string `json:"problem,omitempty"`
	// Reason is the problem in a word that the studio's status knows.
	Reason string  `json:"-"`
	Stages []Stage `json:"stages"`
	// Pod is whose progress it is.
	Pod string `json:"-"`
	// Took are the stages that are over.
	took [stageCount]time.Duration
	at   int
}

// Look reads the progress off a pool's pods: of the one that has come farthest. A
// stage can be gone back to: a node that is lost begins anew.
func Look(pods []*corev1.Pod, now time.Time) Progress {
	best := Progress{Summary: "A server is ordered.", at: -1}

	for _, p := range pods {
		if p.DeletionTimestamp != nil {
			continue
		}

		if one := look(p, now); best.at < 0 || one.at > best.at {
			best = one
		}
	}

	best.Stages = make([]Stage, 0, stageCount)
	for i, name := range stages {
		s := Stage{Name: name, State: Waits}

		switch {
		case i < best.at:
			s.State, s.Took = Done, best.took[i].Milliseconds()
		case i == best.at:
			s.State, s.Took = Now, best.took[i].Milliseconds()
		}

		best.Stages = append(best.Stages, s)
	}

	return best
}

// look reads one pod.
func look(p *corev1.Pod, now time.Time) (out Progress) {
	out = Progress{Pod: p.Name}
	// When the stage that is looked at began.
	began := p.CreationTimestamp.Time
	next := func(at time.Time) {
		out.took[out.at] = at.Sub(began)
		out.at, began = out.at+1, at
	}

	defer func() {
		if out.at < stageCount {
			out.took[out.at] = now.Sub(began)
		}
	}()

	scheduled := condition(p, corev1.PodScheduled)
	if scheduled == nil || scheduled.Status != corev1.ConditionTrue {
		out.Summary = "A node with a GPU is started."
		if scheduled != nil && scheduled.Reason == corev1.PodReasonUnschedulable && now.Sub(began) > patience {
			out.Problem, out.Reason = "No node with a GPU could be started yet: "+scheduled.Message, InsufficientCapacity
		}

		return out
	}

	next(scheduled.LastTransitionTime.Time)

	out.Summary = "The node fetches ComfyUI's image."
	out.Problem, out.Reason = trouble(p)

	models := status(p.Status.InitContainerStatuses, awaiting)
	if models == nil || (models.State.Running == nil && models.State.Terminated == nil) {
		return out
	}

	if t := models.State.Terminated; t != nil {
		next(t.StartedAt.Time)
		next(t.FinishedAt.Time)
	} else {
		next(models.State.Running.StartedAt.Time)

		out.Summary = "The node fetches the models."

		return out
	}

	out.Summary = "ComfyUI starts."
	if ready := condition(p, corev1.PodReady); ready != nil && ready.Status == corev1.ConditionTrue {
		next(ready.LastTransitionTime.Time)

		out.Summary, out.Ready = "The server is ready.", true
	}

	return out
}

// trouble is what keeps a pod from starting that does not go away by waiting.
func trouble(p *corev1.Pod) (string, string) {
	for _, s := range append(append([]corev1.ContainerStatus{}, p.Status.InitContainerStatuses...), p.Status.ContainerStatuses...) {
		if w := s.State.Waiting; w != nil {
			switch w.Reason {
			case "ErrImagePull", "ImagePullBackOff", "InvalidImageName":
				return "The image cannot be fetched: " + w.Message, ImagePullFailed
			case "CrashLoopBackOff":
				return crashed(s)
			case "CreateContainerConfigError", "CreateContainerError", "RunContainerError":
				return "The server cannot be started: " + w.Message, Crashing
			}
		}

		if t := s.State.Terminated; t != nil && t.ExitCode != 0 {
			return fmt.Sprintf("%s ended with code %d: %s", s.Name, t.ExitCode, t.Reason), ended(s.Name, t.Reason)
		}
	}

	return "", ""
}

func crashed(s corev1.ContainerStatus) (string, string) {
	if t := s.LastTerminationState.Terminated; t != nil {
		return fmt.Sprintf("%s was started %d times and ended with code %d (%s) the last time.", s.Name, s.RestartCount+1, t.ExitCode, t.Reason), ended(s.Name, t.Reason)
	}

	return s.Name + " ends again and again.", ended(s.Name, "")
}

func ended(name, why string) string {
	switch {
	case why == "OOMKilled":
		return OutOfMemory
	case name == awaiting:
		return ModelsNotReady
	}

	return Crashing
}

func condition(p *corev1.Pod, kind corev1.PodConditionType) *corev1.PodCondition {
	for i := range p.Status.Conditions {
		if p.Status.Conditions[i].Type == kind {
			return &p.Status.Conditions[i]
		}
	}

	return nil
}

func status(all []corev1.ContainerStatus, name string) *corev1.ContainerStatus {
	for i := range all {
		if all[i].Name == name {
			return &all[i]
		}
	}

	return nil
}
