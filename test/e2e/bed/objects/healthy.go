package objects

import (
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// How long things take in a healthy cluster (facts/aws.md: a GPU node a minute
// and a half, its image and models two).
const (
	podStarts    = 10 * time.Second
	gpuPodStarts = 3*time.Minute + 30*time.Second
	classReady   = 5 * time.Second
	nodeLeaves   = 3 * time.Minute
)

// soon is when something is looked at again that waits for what it is not told
// of.
const soon = 5 * time.Second

// adds puts into an object what a healthy cluster adds to it, and says when that
// changes next.
type adds func(c *cluster, t *thing, o map[string]any) time.Duration

// additions are by kind. Other kinds are as they were applied.
func additions(i id) adds {
	switch (schema.GroupKind{Group: i.group, Kind: i.kind}) {
	case schema.GroupKind{Group: groupApps, Kind: "Deployment"}:
		return deployment
	case schema.GroupKind{Group: groupApps, Kind: "DaemonSet"}:
		return daemonSet
	case schema.GroupKind{Kind: kindNamespace}, schema.GroupKind{Kind: "PersistentVolumeClaim"}, schema.GroupKind{Kind: "PersistentVolume"}:
		return phase
	case schema.GroupKind{Group: groupPools, Kind: kindNodePool}, schema.GroupKind{Group: groupClasses, Kind: "EC2NodeClass"}:
		return karpenters
	default:
		return nil
	}
}

// up tells whether pods that take so long to start run since the last change,
// and when they will. They need a node.
func (c *cluster) up(t *thing, takes time.Duration) (running bool, in time.Duration) {
	nodes, ok := c.nodesSince()
	if !ok {
		return false, soon
	}

	left := max(t.changed, nodes) + takes - c.now()

	return left <= 0, max(0, left)
}

// nodesSince is when the cluster's first node group became active.
func (c *cluster) nodesSince() (time.Duration, bool) {
	for _, e := range c.aws.Ledger().Entries {
		mine := e.Kind == "NodeGroup" && e.Region == c.region && strings.HasPrefix(e.ID, c.name+":")
		if mine && (e.State == cloud.StateActive || e.State == cloud.StateUpdating) {
			return time.Duration(e.Active * float64(time.Second)), true
		}
	}

	return 0, false
}

func deployment(c *cluster, t *thing, o map[string]any) time.Duration {
	replicas, found, _ := unstructured.NestedInt64(o, "spec", "replicas")
	if !found {
		replicas = 1
		_ = unstructured.SetNestedField(o, replicas, "spec", "replicas")
	}

	takes := podStarts
	if asksForGPU(o) {
		takes = gpuPodStarts
	}

	running, in := c.up(t, takes)
	running = running || replicas == 0

	status, why := map[string]any{}, "MinimumReplicasUnavailable"
	if running {
		why = "MinimumReplicasAvailable"
	}

	if replicas > 0 {
		status["replicas"], status["updatedReplicas"] = replicas, replicas
	}

	switch {
	case replicas > 0 && running:
		status["readyReplicas"], status["availableReplicas"] = replicas, replicas
	case replicas > 0:
		status["unavailableReplicas"] = replicas
	}

	setStatus(o, t, status, conditionOf("Available", running, why), conditionOf("Progressing", true, "NewReplicaSetAvailable"))

	return in
}

func asksForGPU(o map[string]any) bool {
	containers, _, _ := unstructured.NestedSlice(o, "spec", "template", "spec", "containers")
	for _, e := range containers {
		c, _ := e.(map[string]any)
		if _, found, _ := unstructured.NestedFieldNoCopy(c, "resources", "limits", "nvidia.com/gpu"); found {
			return true
		}
	}

	return false
}

// daemonSet has a pod on each of the two system nodes.
func daemonSet(c *cluster, t *thing, o map[string]any) time.Duration {
	running, in := c.up(t, podStarts)
	pods, ready := int64(0), int64(0)

	if _, nodes := c.nodesSince(); nodes {
		pods = 2
	}

	if running {
		ready = pods
	}

	setStatus(o, t, map[string]any{
		"currentNumberScheduled": pods, "desiredNumberScheduled": pods, "updatedNumberScheduled": pods,
		"numberAvailable": ready, "numberMisscheduled": int64(0), "numberReady": ready,
	})

	return in
}

func phase(_ *cluster, t *thing, o map[string]any) time.Duration {
	p := "Bound"

	switch {
	case kindOf(o) != kindNamespace:
	case t.deleting:
		p = "Terminating"
	default:
		p = "Active"
	}

	setStatus(o, nil, map[string]any{"phase": p})

	return 0
}
