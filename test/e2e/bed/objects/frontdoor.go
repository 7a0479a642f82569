package objects

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Labels by which a studio's own parts are known in its cluster.
const (
	labelName = "app.kubernetes.io/name"
	labelPool = "comfyui-studio/pool"
)

// reports is how often at most the front door writes its report.
const reports = time.Minute

// report is what the front door's leader writes about the studio.
type report struct {
	Pools  []pool `json:"pools"`
	Models struct {
		Declared int   `json:"declared"`
		Present  int   `json:"present"`
		Failed   []any `json:"failed"`
	} `json:"models"`
}

type pool struct {
	Name         string `json:"name"`
	Nodes        int64  `json:"nodes"`
	ServersReady int64  `json:"serversReady"`
	Servers      int64  `json:"servers"`
	Queue        int64  `json:"queue"`
	Troubles     []any  `json:"troubles"`
}

// reported is the ConfigMap studio-status: nobody applies it, the front door
// writes it once it runs.
func (c *cluster) reported(i id) map[string]any {
	if i.kind != "ConfigMap" || i.name != "studio-status" || !c.frontDoorRuns(i.namespace) {
		return nil
	}

	rep := report{Pools: []pool{}}
	rep.Models.Failed = []any{}

	for _, t := range c.deployments(i.namespace, "comfyui") {
		o, _ := c.live(idOf(t.manifest))
		labels, _, _ := unstructured.NestedStringMap(o, "metadata", "labels")
		servers, _, _ := unstructured.NestedInt64(o, "status", "replicas")
		ready, _, _ := unstructured.NestedInt64(o, "status", "readyReplicas")

		rep.Pools = append(rep.Pools, pool{Name: labels[labelPool], Nodes: ready, ServersReady: ready, Servers: servers, Troubles: []any{}})
	}

	slices.SortFunc(rep.Pools, func(a, b pool) int { return cmp.Compare(a.Name, b.Name) })

	data, err := json.Marshal(rep)
	if err != nil {
		return nil
	}

	o := &unstructured.Unstructured{Object: map[string]any{"data": map[string]any{"status.json": string(data)}}}
	o.SetAPIVersion("v1")
	o.SetKind(i.kind)
	o.SetNamespace(i.namespace)
	o.SetName(i.name)

	return o.Object
}

func (c *cluster) frontDoorRuns(namespace string) bool {
	for _, t := range c.deployments(namespace, "front-door") {
		o, _ := c.live(idOf(t.manifest))
		if hasTrue(o, "Available") {
			return true
		}
	}

	return false
}

// deployments are those with a name label in a namespace.
func (c *cluster) deployments(namespace, name string) []*thing {
	out := []*thing{}

	for i, t := range c.things {
		labels, _, _ := unstructured.NestedStringMap(t.manifest, "metadata", "labels")
		if i.kind == "Deployment" && i.namespace == namespace && labels[labelName] == name {
			out = append(out, t)
		}
	}

	return out
}
