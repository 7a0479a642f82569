package objects

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
)

// Names that crossplane-runtime gives things.
const (
	finalizer        = "finalizer.managedresource.crossplane.io"
	annotationPaused = "crossplane.io/paused"
	fieldManager     = "crossplane-providers"
)

// A run is one reconcile of one managed resource.
type run struct {
	*Double

	key  key
	kind kind
	u    *unstructured.Unstructured
}

// reconcile is crossplane-runtime's managed reconciler, in its order.
func (d *Double) reconcile(ctx context.Context, k key) (result, error) {
	if strings.HasSuffix(k.kind, configSuffix) {
		return result{}, d.reconcileConfig(ctx, k)
	}

	r := &run{Double: d, key: k}

	for _, served := range kinds() {
		if served.kind == k.kind {
			r.kind = served
		}
	}

	u, err := r.resource().Get(ctx, k.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return result{}, nil
	}

	if err != nil {
		return result{}, fmt.Errorf("cannot get the managed resource: %w", err)
	}

	r.u = u

	res, err := r.reconcile(ctx)
	// crossplane-runtime swallows conflicts: SilentlyRequeueOnConflict.
	if apierrors.IsConflict(err) {
		return result{failed: true}, nil
	}

	return res, err
}

func (r *run) resource() dynamic.ResourceInterface {
	return r.client.Resource(r.kind.resource).Namespace(r.key.namespace)
}

func (r *run) deleted() bool { return r.u.GetDeletionTimestamp() != nil }

func (r *run) reconcile(ctx context.Context) (result, error) {
	if r.u.GetAnnotations()[annotationPaused] == "true" {
		return result{}, r.status(ctx, condition{kind: typeSynced, reason: "ReconcilePaused"})
	}

	// Whoever may not delete has nothing to ask the cluster.
	if r.deleted() && !r.may("Delete") {
		return result{}, r.letGo(ctx)
	}

	c, err := r.connect(ctx)
	if err != nil {
		return r.failed(ctx, fmt.Errorf("connect failed: %w", err))
	}

	c.mu.Lock()
	defer c.mu.Unlock()

	return r.kind.reconcile(r, ctx, c)
}

// may tells whether the management policies allow an action.
func (r *run) may(action string) bool {
	p, found, _ := unstructured.NestedStringSlice(r.u.Object, "spec", "managementPolicies")

	return !found || slices.Contains(p, "*") || slices.Contains(p, action)
}

func (r *run) onlyObserves() bool {
	p, _, _ := unstructured.NestedStringSlice(r.u.Object, "spec", "managementPolicies")

	return len(p) == 1 && p[0] == "Observe"
}

// errAbsent is what an Observe-only resource says of what is not there.
var errAbsent = errors.New("observe failed: external resource does not exist")

// failed notes an error and tries again after the back-off.
func (r *run) failed(ctx context.Context, err error, more ...condition) (result, error) {
	return result{failed: true}, r.status(ctx, append(more, condition{kind: typeSynced, reason: "ReconcileError", message: err.Error()})...)
}

// hold puts the finalizer on.
func (r *run) hold(ctx context.Context) error {
	if slices.Contains(r.u.GetFinalizers(), finalizer) {
		return nil
	}

	r.u.SetFinalizers(append(r.u.GetFinalizers(), finalizer))

	return r.update(ctx)
}

// letGo takes the finalizer off.
func (r *run) letGo(ctx context.Context) error {
	r.u.SetFinalizers(slices.DeleteFunc(r.u.GetFinalizers(), func(f string) bool { return f == finalizer }))

	return r.update(ctx)
}

func (r *run) update(ctx context.Context) error {
	u, err := r.resource().Update(ctx, r.u, metav1.UpdateOptions{FieldManager: fieldManager})
	if apierrors.IsNotFound(err) {
		return nil // Its last finalizer is off.
	}

	if err != nil {
		return fmt.Errorf("cannot update the managed resource: %w", err)
	}

	r.u = u

	return nil
}

// status writes conditions and what is observed, if that changes anything.
func (r *run) status(ctx context.Context, cs ...condition) error {
	before := r.u.DeepCopy()
	setConditions(r.u, cs...)

	return r.writeStatus(ctx, before)
}

// What crossplane-runtime's conditions are called.
const (
	typeReady  = "Ready"
	typeSynced = "Synced"
)

// A condition of a managed resource.
type condition struct {
	kind    string
	ok      bool
	reason  string
	message string
}

func ready(ok bool, reason string) condition {
	return condition{kind: typeReady, ok: ok, reason: reason}
}

func synced() condition { return condition{kind: typeSynced, ok: true, reason: "ReconcileSuccess"} }

// setConditions puts conditions into a status, keeping the time of the last
// transition where nothing but the message changed.
func setConditions(u *unstructured.Unstructured, cs ...condition) {
	all, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")

	for _, c := range cs {
		m := conditionOf(c.kind, c.ok, c.reason)
		m["lastTransitionTime"] = time.Now().UTC().Format(time.RFC3339)
		m[observedGeneration] = u.GetGeneration()

		if c.message != "" {
			m["message"] = c.message
		}

		at := slices.IndexFunc(all, func(e any) bool {
			was, _ := e.(map[string]any)
			return was["type"] == c.kind
		})
		if at < 0 {
			all = append(all, m)
			continue
		}

		if was, _ := all[at].(map[string]any); was["status"] == m["status"] && was["reason"] == m["reason"] {
			m["lastTransitionTime"] = was["lastTransitionTime"]
		}

		all[at] = m
	}

	_ = unstructured.SetNestedSlice(u.Object, all, "status", "conditions")
}
