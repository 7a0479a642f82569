package karpenter

import (
	"maps"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// met tells whether labels fulfil a requirement.
func (r requirement) met(labels map[string]string) bool {
	v, has := labels[r.Key]

	switch r.Operator {
	case "In":
		return has && slices.Contains(r.Values, v)
	case "NotIn":
		return !slices.Contains(r.Values, v)
	case "Exists":
		return has
	case "DoesNotExist":
		return !has
	case "Gt", "Lt", "Gte", "Lte":
		if !has || len(r.Values) != 1 {
			return false
		}

		return compares(r.Operator, v, r.Values[0])
	default:
		return false
	}
}

func compares(operator, have, want string) bool {
	h, err := strconv.ParseInt(have, 10, 64)
	if err != nil {
		return false
	}

	w, err := strconv.ParseInt(want, 10, 64)
	if err != nil {
		return false
	}

	return operator == "Gt" && h > w || operator == "Lt" && h < w || operator == "Gte" && h >= w || operator == "Lte" && h <= w
}

func allMet(rs []requirement, labels map[string]string) bool {
	return !slices.ContainsFunc(rs, func(r requirement) bool { return !r.met(labels) })
}

// podRequirements are the alternatives that a pod's node selector and required
// node affinity leave: one of the lists must be met.
func podRequirements(p *corev1.Pod) [][]requirement {
	base := []requirement{}
	for _, k := range slices.Sorted(maps.Keys(p.Spec.NodeSelector)) {
		base = append(base, requirement{k, "In", []string{p.Spec.NodeSelector[k]}})
	}

	a := p.Spec.Affinity
	if a == nil || a.NodeAffinity == nil || a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return [][]requirement{base}
	}

	out := [][]requirement{}

	for _, term := range a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		rs := slices.Clone(base)
		for _, e := range term.MatchExpressions {
			rs = append(rs, requirement{e.Key, string(e.Operator), e.Values})
		}

		out = append(out, rs)
	}

	return out
}

func podFits(p *corev1.Pod, labels map[string]string) bool {
	return slices.ContainsFunc(podRequirements(p), func(rs []requirement) bool { return allMet(rs, labels) })
}

// tolerates tells whether a pod may be scheduled to a node with the taints.
func tolerates(p *corev1.Pod, taints []corev1.Taint) bool {
	for i := range taints {
		t := &taints[i]
		if t.Effect == corev1.TaintEffectPreferNoSchedule {
			continue
		}

		if !slices.ContainsFunc(p.Spec.Tolerations, func(o corev1.Toleration) bool {
			return (o.Effect == "" || o.Effect == t.Effect) && (o.Key == "" || o.Key == t.Key) &&
				(o.Operator == corev1.TolerationOpExists || o.Key != "" && o.Value == t.Value)
		}) {
			return false
		}
	}

	return true
}

// requests are a pod's, as the scheduler counts them: init containers run one
// after the other, but for sidecars.
func requests(p *corev1.Pod) corev1.ResourceList {
	sum, initial, sidecars := corev1.ResourceList{}, corev1.ResourceList{}, corev1.ResourceList{}

	for _, c := range p.Spec.InitContainers {
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			add(sidecars, c.Resources.Requests)
			add(sum, c.Resources.Requests)

			continue
		}

		one := corev1.ResourceList{}
		add(one, c.Resources.Requests)
		add(one, sidecars)
		atLeast(initial, one)
	}

	for _, c := range p.Spec.Containers {
		add(sum, c.Resources.Requests)
	}

	atLeast(sum, initial)
	add(sum, p.Spec.Overhead)
	sum[corev1.ResourcePods] = *resource.NewQuantity(1, resource.DecimalSI)

	return sum
}

func add(to, l corev1.ResourceList) {
	for k, q := range l {
		have := to[k]
		have.Add(q)
		to[k] = have
	}
}

func subtract(from, l corev1.ResourceList) {
	for k, q := range l {
		have := from[k]
		have.Sub(q)
		from[k] = have
	}
}

func atLeast(to, l corev1.ResourceList) {
	for k, q := range l {
		if have := to[k]; have.Cmp(q) < 0 {
			to[k] = q
		}
	}
}

// within tells whether all of a fits into b. What b does not name it lacks.
func within(a, b corev1.ResourceList) bool {
	for k, q := range a {
		if have := b[k]; have.Cmp(q) < 0 {
			return false
		}
	}

	return true
}

// exceeded is the first limit that a usage exceeds.
func exceeded(usage, limits corev1.ResourceList) (corev1.ResourceName, bool) {
	for _, k := range slices.Sorted(maps.Keys(limits)) {
		limit := limits[k]
		if have := usage[k]; have.Cmp(limit) > 0 {
			return k, true
		}
	}

	return "", false
}
