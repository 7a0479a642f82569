package frontdoor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// A report is what status.json holds.
type report struct {
	Pools  []pool `json:"pools"`
	Models models `json:"models"`
}

type pool struct {
	Name         string    `json:"name"`
	Nodes        int32     `json:"nodes"`
	ServersReady int32     `json:"serversReady"`
	Servers      int32     `json:"servers"`
	Queue        int32     `json:"queue"`
	Troubles     []trouble `json:"troubles"`
}

type models struct {
	Declared int      `json:"declared"`
	Present  int      `json:"present"`
	Failed   []failed `json:"failed"`
}

type failed struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

type trouble struct {
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

const karpenterPool = "karpenter.sh/nodepool"

func (f *frontDoor) report(servers []*appsv1.Deployment) (report, error) {
	r := report{Pools: []pool{}, Models: models{Failed: []failed{}}}

	for _, d := range servers {
		p := pool{Name: d.Labels[labelPool], ServersReady: d.Status.ReadyReplicas, Servers: 1, Queue: number(d, annotationQueue)}
		if d.Spec.Replicas != nil {
			p.Servers = *d.Spec.Replicas
		}

		nodes, err := f.Informers.Core().V1().Nodes().Lister().List(labels.SelectorFromSet(labels.Set{karpenterPool: nodePool(d)}))
		if err != nil {
			return r, fmt.Errorf("cannot list nodes: %w", err)
		}

		p.Nodes = int32(len(nodes)) //nolint:gosec // A handful.

		if p.Troubles, err = f.troubles(d); err != nil {
			return r, err
		}

		r.Pools = append(r.Pools, p)
	}

	slices.SortFunc(r.Pools, func(a, b pool) int { return cmp.Compare(a.Name, b.Name) })

	return r, nil
}

// nodePool is Karpenter's pool of a Deployment: where it is selected, else the
// one of the studio's pool's name.
func nodePool(d *appsv1.Deployment) string {
	if p := d.Spec.Template.Spec.NodeSelector[karpenterPool]; p != "" {
		return p
	}

	return d.Labels[labelPool]
}

// troubles are what keeps the servers of a Deployment from running.
func (f *frontDoor) troubles(d *appsv1.Deployment) ([]trouble, error) {
	pods, err := f.Informers.Core().V1().Pods().Lister().Pods(d.Namespace).List(labels.SelectorFromSet(d.Spec.Selector.MatchLabels))
	if err != nil {
		return nil, fmt.Errorf("cannot list pods: %w", err)
	}

	out := []trouble{}

	for _, p := range pods {
		if p.DeletionTimestamp != nil {
			continue
		}

		found := ofContainers(p)

		if p.Spec.NodeName == "" {
			t, err := f.ofCapacity(d, p)
			if err != nil {
				return nil, err
			}

			found = append(found, t...)
		}

		for _, t := range found {
			if !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	}

	slices.SortFunc(out, func(a, b trouble) int {
		return cmp.Or(cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Message, b.Message))
	})

	return out, nil
}

// ofContainers are the troubles that a pod's containers tell of.
func ofContainers(p *corev1.Pod) []trouble {
	out := []trouble{}

	for _, statuses := range [][]corev1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses} {
		for _, s := range statuses {
			w := s.State.Waiting

			switch {
			case w == nil:
			case w.Reason == "ImagePullBackOff" || w.Reason == "ErrImagePull":
				out = append(out, trouble{"ImagePullFailed", w.Message})
			case w.Reason == "CrashLoopBackOff" && slices.ContainsFunc(p.Spec.InitContainers, func(c corev1.Container) bool { return c.Name == s.Name }):
				out = append(out, trouble{"ModelsNotReady", w.Message})
			case w.Reason == "CrashLoopBackOff":
				out = append(out, trouble{"Crashing", w.Message})
			}
		}
	}

	return out
}

// vague is what Karpenter says of a pod while it leaves an offering alone that
// EC2 has refused: for three minutes, and not why.
const vague = "had the required offering"

// ofCapacity is what Karpenter said last about a pod without a node: of the
// pod, or of a NodeClaim of its pool. A reason counts before none.
func (f *frontDoor) ofCapacity(d *appsv1.Deployment, p *corev1.Pod) ([]trouble, error) {
	events, err := f.Informers.Core().V1().Events().Lister().List(labels.Everything())
	if err != nil {
		return nil, fmt.Errorf("cannot list events: %w", err)
	}

	var last *corev1.Event

	for _, e := range events {
		about := e.InvolvedObject
		mine := about.Kind == "NodeClaim" && strings.HasPrefix(about.Name, nodePool(d)+"-") || about.UID == p.UID && e.Source.Component == "karpenter"

		if mine && e.Type == corev1.EventTypeWarning && !e.LastTimestamp.Time.Before(p.CreationTimestamp.Time) && tellsMore(e, last) {
			last = e
		}
	}

	if last == nil {
		return nil, nil
	}

	return []trouble{{capacityReason(last.Message), message(last.Message)}}, nil
}

func tellsMore(e, than *corev1.Event) bool {
	if than == nil {
		return true
	}

	if a, b := strings.Contains(e.Message, vague), strings.Contains(than.Message, vague); a != b {
		return b
	}

	return e.LastTimestamp.After(than.LastTimestamp.Time)
}

// capacityReason sorts what EC2 and Karpenter say.
func capacityReason(message string) string {
	has := func(s string) bool { return strings.Contains(message, s) }

	switch {
	case has("VcpuLimitExceeded"), has("MaxSpotInstanceCountExceeded"):
		return "QuotaExceeded"
	case has("exceed limits for nodepool"):
		return "LimitReached"
	case has("no Spot capacity"):
		return "SpotShortage"
	default:
		return "InsufficientCapacity"
	}
}

// message leaves out the name of a NodeClaim: each try has another one, and a
// report that changes with each try would be written for ever.
func message(s string) string {
	if _, m, ok := strings.Cut(s, " event: "); ok {
		return m
	}

	return s
}
