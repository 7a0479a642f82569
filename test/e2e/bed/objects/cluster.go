package objects

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/uuid"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// An id names an object in a cluster.
type id struct {
	group     string
	kind      string
	namespace string
	name      string
}

func idOf(manifest map[string]any) id {
	u := &unstructured.Unstructured{Object: manifest}
	gvk := u.GroupVersionKind()

	return id{gvk.Group, gvk.Kind, u.GetNamespace(), u.GetName()}
}

// A thing is an object in a cluster.
type thing struct {
	manifest   map[string]any
	uid        string
	generation int64
	owner      key // the managed resource that applied it

	made     time.Duration
	changed  time.Duration // when the manifest last changed
	deleting bool
}

// A cluster is the Kubernetes side of one EKS cluster. Its mutex is held for a
// whole reconcile.
type cluster struct {
	aws    *cloud.AWS
	name   string
	region string

	mu       sync.Mutex
	things   map[id]*thing
	releases map[id]*installed
	// groups are those whose CRDs came with a chart. Helm leaves them behind.
	groups map[string]bool
	// claims are Karpenter's nodes, by NodePool, which outlive it.
	claims map[string]*claim
}

func newCluster(aws *cloud.AWS, name, region string) *cluster {
	return &cluster{
		aws: aws, name: name, region: region,
		things: map[id]*thing{}, releases: map[id]*installed{}, groups: map[string]bool{}, claims: map[string]*claim{},
	}
}

func (c *cluster) now() time.Duration { return c.aws.Clock().Now() }

// builtIn are the API groups of a cluster without any CRD.
func builtIn() []string {
	return []string{
		"", groupApps, "batch", "policy", "autoscaling", "rbac.authorization.k8s.io", "networking.k8s.io", "storage.k8s.io",
		"scheduling.k8s.io", "admissionregistration.k8s.io", "apiextensions.k8s.io", "coordination.k8s.io", "discovery.k8s.io",
	}
}

// serves refuses kinds that have no CRD in the cluster.
func (c *cluster) serves(manifest map[string]any) error {
	u := &unstructured.Unstructured{Object: manifest}
	gvk := u.GroupVersionKind()

	if slices.Contains(builtIn(), gvk.Group) || c.crd(gvk.GroupKind()) {
		return nil
	}

	return fmt.Errorf("no matches for kind %q in version %q", gvk.Kind, u.GetAPIVersion())
}

// crd tells whether a chart or an Object has brought the kind's CRD.
func (c *cluster) crd(gk schema.GroupKind) bool {
	if c.groups[gk.Group] {
		return true
	}

	for _, t := range c.things {
		group, _, _ := unstructured.NestedString(t.manifest, "spec", "group")
		kind, _, _ := unstructured.NestedString(t.manifest, "spec", "names", "kind")

		if kindOf(t.manifest) == "CustomResourceDefinition" && group == gk.Group && kind == gk.Kind {
			return true
		}
	}

	return false
}

// admits refuses objects in namespaces that are not there.
func (c *cluster) admits(i id) error {
	own := []string{"", "default", "kube-system", "kube-public", "kube-node-lease"}
	if slices.Contains(own, i.namespace) {
		return nil
	}

	ns := c.things[id{kind: kindNamespace, name: i.namespace}]
	if ns == nil {
		return fmt.Errorf("namespaces %q not found", i.namespace)
	}

	if ns.deleting {
		return fmt.Errorf("%s %q is forbidden: unable to create new content in namespace %s because it is being terminated", strings.ToLower(i.kind), i.name, i.namespace)
	}

	return nil
}

// apply makes an object or changes it, and tells whether it did.
func (c *cluster) apply(i id, manifest map[string]any, by key) bool {
	now := c.now()

	t := c.things[i]
	if t == nil {
		c.things[i] = &thing{
			manifest: runtime.DeepCopyJSON(manifest), uid: string(uuid.NewUUID()), generation: 1, owner: by, made: now, changed: now,
		}

		return true
	}

	if t.deleting || equality.Semantic.DeepEqual(t.manifest, manifest) {
		return false
	}

	t.manifest, t.changed, t.owner = runtime.DeepCopyJSON(manifest), now, by
	t.generation++

	return true
}

// remove asks for an object's deletion. A namespace takes all in it along.
func (c *cluster) remove(i id) {
	t := c.things[i]
	if t == nil || t.deleting {
		return
	}

	t.deleting = true

	if i.kind != kindNamespace || i.group != "" {
		return
	}

	for in := range maps.Keys(c.things) {
		if in.namespace == i.name {
			c.remove(in)
		}
	}
}

// live is an object as the API server would show it, and in how much simulated
// time it will look different, zero when it will not. It is nil when there is
// none.
func (c *cluster) live(i id) (map[string]any, time.Duration) {
	if o := c.reported(i); o != nil {
		return o, reports
	}

	t := c.things[i]
	if t == nil {
		return nil, 0
	}

	if t.deleting && c.gone(i, t) {
		delete(c.things, i)
		return nil, 0
	}

	o := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(t.manifest)}
	_ = unstructured.SetNestedField(o.Object, t.uid, "metadata", "uid")
	_ = unstructured.SetNestedField(o.Object, t.generation, "metadata", "generation")

	next := time.Duration(0)
	if add := additions(i); add != nil {
		next = add(c, t, o.Object)
	}

	return o.Object, next
}
