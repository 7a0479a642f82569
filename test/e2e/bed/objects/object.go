package objects

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// How often provider-kubernetes looks at an Object that nothing watches, in
// simulated time: its --poll, and what it has for one that is not Ready.
const (
	poll         = 10 * time.Minute
	pollNotReady = 30 * time.Second
)

// object reconciles an Object against a cluster.
func (r *run) object(ctx context.Context, c *cluster) (result, error) {
	manifest, err := r.manifest()
	if err != nil {
		return r.failed(ctx, fmt.Errorf("observe failed: %w", err))
	}

	if !r.deleted() {
		if err := r.resolve(ctx); err != nil {
			return r.failed(ctx, fmt.Errorf("observe failed: cannot resolve resource references: %w", err))
		}
	}

	if err := c.serves(manifest); err != nil {
		return r.failed(ctx, fmt.Errorf("observe failed: cannot get object: %w", err))
	}

	id := idOf(manifest)
	live, next := c.live(id)

	switch {
	case live == nil && r.deleted():
		return result{}, r.letGo(ctx)
	case live == nil && r.onlyObserves():
		return r.failed(ctx, errAbsent)
	case live == nil:
		return r.create(ctx, c, id, manifest)
	case r.deleted():
		c.remove(id)

		before := r.u.DeepCopy()
		r.observe(live)
		setConditions(r.u, ready(false, "Deleting"), synced())

		return result{failed: true}, r.writeStatus(ctx, before)
	}

	if err := r.hold(ctx); err != nil {
		return result{}, err
	}

	if !r.onlyObserves() && r.may("Update") && c.apply(id, manifest, r.key) {
		live, next = c.live(id)
	}

	before := r.u.DeepCopy()
	r.observe(live)
	setConditions(r.u, r.readiness(live), synced())

	return r.again(next), r.writeStatus(ctx, before)
}

// again is when the Object is looked at next: at the next change, if it is
// watched, else at the next poll.
func (r *run) again(next time.Duration) result {
	after := poll
	if !isReady(r.u) {
		after = pollNotReady
	}

	if watched, _, _ := unstructured.NestedBool(r.u.Object, "spec", "watch"); watched && next > 0 {
		after = min(after, next)
	}

	return result{after: after}
}

func (r *run) create(ctx context.Context, c *cluster, id id, manifest map[string]any) (result, error) {
	if err := r.hold(ctx); err != nil {
		return result{}, err
	}

	if err := c.admits(id); err != nil {
		return r.failed(ctx, fmt.Errorf("create failed: cannot create object: %w", err), ready(false, "Creating"))
	}

	c.apply(id, manifest, r.key)

	// It is looked at again after the first step of the back-off.
	return result{failed: true}, r.status(ctx, ready(false, "Creating"), synced())
}

// manifest is the object that the Object is about.
func (r *run) manifest() (map[string]any, error) {
	m, found, err := unstructured.NestedMap(r.u.Object, "spec", "forProvider", "manifest")
	if err != nil || !found {
		return nil, errors.New("cannot unmarshal template")
	}

	u := &unstructured.Unstructured{Object: m}
	if u.GetName() == "" {
		u.SetName(r.key.name)
	}

	return m, nil
}

// resolve looks for what the Object depends on.
func (r *run) resolve(ctx context.Context) error {
	refs, _, _ := unstructured.NestedSlice(r.u.Object, "spec", "references")
	for _, e := range refs {
		ref, _ := e.(map[string]any)
		if ref["patchesFrom"] != nil {
			return errors.New("the double does not play patchesFrom, which writes the value into the Object for all to read")
		}

		on, _ := ref["dependsOn"].(map[string]any)
		get := func(field string) string {
			s, _ := on[field].(string)
			return s
		}

		gv, err := schema.ParseGroupVersion(get("apiVersion"))
		if err != nil {
			return fmt.Errorf("cannot get referenced resource: %w", err)
		}

		plural, _ := meta.UnsafeGuessKindToResource(gv.WithKind(get("kind")))

		_, err = r.client.Resource(plural).Namespace(get("namespace")).Get(ctx, get("name"), metav1.GetOptions{})
		if err != nil {
			return fmt.Errorf("cannot get referenced resource: %w", err)
		}
	}

	return nil
}

// observe writes the live object into the status, without the data of Secrets
// (--sanitize-secrets).
func (r *run) observe(live map[string]any) {
	if kindOf(live) == "Secret" && live["apiVersion"] == "v1" {
		live["data"] = map[string]any{"redacted": nil}
		delete(live, "stringData")
	}

	_ = unstructured.SetNestedMap(r.u.Object, live, "status", "atProvider", "manifest")
}

// writeStatus writes the status unless it is what it was, or what a fault makes
// of it. A fault shows at the next poll.
func (r *run) writeStatus(ctx context.Context, before *unstructured.Unstructured) error {
	mode, _ := r.aws.StatusFault(cloud.KindOf(r.kind.resource.Group, r.kind.kind), cloud.Owner{Namespace: r.key.namespace, Name: r.key.name})

	switch mode {
	case cloud.LoseStatus:
		r.u.Object["status"] = map[string]any{}
	case cloud.Freeze:
		setConditions(r.u, ready(false, "Unavailable"))
	default: // The others are AWS's.
	}

	if equality.Semantic.DeepEqual(before.Object["status"], r.u.Object["status"]) {
		return nil
	}

	_, err := r.resource().UpdateStatus(ctx, r.u, metav1.UpdateOptions{FieldManager: fieldManager})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("cannot update the status of the managed resource: %w", err)
	}

	return nil
}

func isReady(u *unstructured.Unstructured) bool {
	all, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	for _, e := range all {
		if c, _ := e.(map[string]any); c["type"] == typeReady {
			return c["status"] == statusTrue
		}
	}

	return false
}
