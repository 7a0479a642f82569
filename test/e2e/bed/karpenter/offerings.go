package karpenter

import (
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// An offering is an instance that can be bought: a type, in a zone, on demand
// or on the spot market.
type offering struct {
	instanceType

	zone     classSubnet
	purchase string
}

func (o offering) key() string { return o.name + "." + o.purchase + "." + o.zone.Zone }

// offerings of a pool: spot first, which is cheaper, then by the price of the
// type. What was out of capacity lately is left out.
func (k *karpenter) offerings(pool *nodePool, class *nodeClass) []offering {
	out := []offering{}

	for _, purchase := range []string{spot, onDemand} {
		for _, t := range instanceTypes() {
			for _, zone := range class.Status.Subnets {
				o := offering{t, zone, purchase}
				if until, ok := k.unavailable[o.key()]; ok && k.clock.Now() < until {
					continue
				}

				if allMet(pool.Spec.Template.Spec.Requirements, k.labels(pool, class.Name, o)) {
					out = append(out, o)
				}
			}
		}
	}

	return out
}

// labels are a node's of a pool, if it were the offering.
func (k *karpenter) labels(pool *nodePool, class string, o offering) map[string]string {
	out := o.labels()
	maps.Copy(out, map[string]string{
		corev1.LabelTopologyZone: o.zone.Zone, corev1.LabelTopologyRegion: k.Region, "topology.k8s.aws/zone-id": o.zone.ZoneID,
		labelCapacityType: o.purchase, labelPool: pool.Name, labelClass: class,
	})

	// A requirement with one value for a label of somebody's own makes it one.
	for _, r := range pool.Spec.Template.Spec.Requirements {
		if _, known := out[r.Key]; !known && r.Operator == "In" && len(r.Values) == 1 && !strings.HasPrefix(r.Key, groupAWS) {
			out[r.Key] = r.Values[0]
		}
	}

	maps.Copy(out, pool.Spec.Template.Metadata.Labels)

	return out
}

func (k *karpenter) fitting(pool *nodePool, from []offering, p *corev1.Pod, sum corev1.ResourceList) []offering {
	out := []offering{}

	for _, o := range from {
		if podFits(p, k.labels(pool, pool.Spec.Template.Spec.NodeClassRef.Name, o)) && within(sum, o.allocatable(true)) {
			out = append(out, o)
		}
	}

	return out
}

// withinLimits drops what would exceed the limits of a pool.
func (k *karpenter) withinLimits(w *world, pool *nodePool, from []offering, planned []*plan) []offering {
	usage := w.usage(pool)

	for _, pl := range planned {
		if pl.pool == pool {
			add(usage, largest(pl.offerings))
		}
	}

	out := []offering{}

	for _, o := range from {
		sum := usage.DeepCopy()
		add(sum, o.capacity(true))
		add(sum, corev1.ResourceList{"nodes": *resource.NewQuantity(1, resource.DecimalSI)})

		if _, over := exceeded(sum, pool.Spec.Limits); !over {
			out = append(out, o)
		}
	}

	return out
}

// usage is what a pool's nodes and NodeClaims have; a claim that is not
// launched counts as the largest it may become.
func (w *world) usage(pool *nodePool) corev1.ResourceList {
	out := corev1.ResourceList{}

	for _, c := range w.claims {
		if c.Labels[labelPool] != pool.Name {
			continue
		}

		add(out, corev1.ResourceList{"nodes": *resource.NewQuantity(1, resource.DecimalSI)})

		if len(c.Status.Capacity) > 0 {
			add(out, c.Status.Capacity)
			continue
		}

		may := []offering{}

		for _, r := range c.Spec.Requirements {
			if r.Key == corev1.LabelInstanceTypeStable {
				for _, name := range r.Values {
					if t, ok := typeNamed(name); ok {
						may = append(may, offering{instanceType: t})
					}
				}
			}
		}

		add(out, largest(may))
	}

	return out
}

func largest(of []offering) corev1.ResourceList {
	out := corev1.ResourceList{}
	for _, o := range of {
		atLeast(out, o.capacity(true))
	}

	return out
}

// call is what makes the instance of a claim. Its owner's name says what is
// bought, for faults to hit.
func (k *karpenter) call(o offering, claim string) cloud.Call {
	return cloud.Call{
		Kind: instanceKind(), Owner: cloud.Owner{Namespace: k.Cluster, Name: claim + "." + o.key()}, Args: cloud.Values{"region": k.Region},
	}
}
