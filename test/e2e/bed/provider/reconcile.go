package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// Names that crossplane-runtime gives things.
const (
	finalizer            = "finalizer.managedresource.crossplane.io"
	annotationName       = "crossplane.io/external-name"
	annotationPaused     = "crossplane.io/paused"
	annotationPending    = "crossplane.io/external-create-pending"
	annotationSucceeded  = "crossplane.io/external-create-succeeded"
	annotationFailed     = "crossplane.io/external-create-failed"
	fieldManager         = "provider-aws"
	fieldManagerResolver = "managed.crossplane.io/api-simple-reference-resolver"
)

var errIncomplete = errors.New("cannot determine creation result - remove the " + annotationPending + " annotation if it is safe to proceed")

// A result is what becomes of a key after a reconcile.
type result struct {
	requeue bool          // after the error back-off
	after   time.Duration // when it is zero and requeue is not set: not at all
}

// A run is one reconcile of one managed resource.
type run struct {
	*Provider

	wg    *sync.WaitGroup
	kind  kind
	key   key
	u     *unstructured.Unstructured
	track *track
	may   policies
	// was is the status as it was read.
	was map[string]any
	// secrets are the arguments that came from Secrets.
	secrets cloud.Values
	// done is closed when the reconcile has written what it has to.
	done chan struct{}
}

// reconcile is crossplane-runtime's managed reconciler (v2.4.0), in its order.
func (p *Provider) reconcile(ctx context.Context, wg *sync.WaitGroup, k key) (result, error) {
	u, err := p.resource(k.kind, k.namespace).Get(ctx, k.name, metav1.GetOptions{})
	if kerrors.IsNotFound(err) {
		return result{}, nil
	}
	if err != nil {
		return result{}, fmt.Errorf("cannot get managed resource: %w", err)
	}
	was, _, _ := unstructured.NestedMap(u.Object, "status")
	r := &run{
		Provider: p, wg: wg, kind: p.kinds[k.kind], key: k, u: u,
		track: p.tracks.of(u.GetUID()), may: policiesOf(u), was: was,
		done: make(chan struct{}),
	}
	defer close(r.done)
	res, err := r.reconcile(ctx)
	// crossplane-runtime swallows conflicts: SilentlyRequeueOnConflict.
	if kerrors.IsConflict(err) {
		return result{requeue: true}, nil
	}
	return res, err
}

func (r *run) reconcile(ctx context.Context) (result, error) {
	if r.u.GetAnnotations()[annotationPaused] == "true" || r.may.paused() {
		return result{}, r.status(ctx, paused())
	}
	if r.deleted() && !r.may.may("Delete") {
		r.aws.Retain(r.call())
		return result{}, r.release(ctx)
	}
	if err := r.initialize(ctx); err != nil {
		return result{}, err
	}
	if incomplete(r.u) {
		return result{}, r.status(ctx, creating(), syncError(errIncomplete))
	}
	if !r.deleted() {
		if err := r.resolve(ctx); err != nil {
			return r.failed(ctx, err)
		}
	}
	if err := r.connect(ctx); err != nil {
		return r.failed(ctx, fmt.Errorf("connect failed: %w", err))
	}
	obs, err := r.observe(ctx)
	if err != nil {
		return r.failed(ctx, fmt.Errorf("observe failed: %w", err))
	}
	if !obs.exists && r.may.onlyObserve() {
		// Seen at 0, 1, 3, 8, 16, 32, 92 s, then every 60 s whatever the poll
		// interval is: an error's back-off, not the poll's.
		return r.failed(ctx, errors.New("observe failed: external resource does not exist"))
	}
	switch {
	case r.deleted():
		return r.delete(ctx, obs)
	case !obs.exists && r.may.may("Create"):
		return r.create(ctx)
	default:
		return r.keep(ctx, obs)
	}
}

func (r *run) deleted() bool { return r.u.GetDeletionTimestamp() != nil }

// failed ends a reconcile with an error that the back-off follows.
func (r *run) failed(ctx context.Context, err error, cs ...condition) (result, error) {
	if kerrors.IsConflict(err) {
		return result{requeue: true}, nil
	}
	return result{requeue: true}, r.status(ctx, append(cs, syncError(err))...)
}

// incomplete is meta.ExternalCreateIncomplete: a create was begun and neither
// its success nor its failure was written down.
func incomplete(u *unstructured.Unstructured) bool {
	a := u.GetAnnotations()
	pending, ok := a[annotationPending]
	if !ok || a[annotationName] != "" {
		return false
	}
	return a[annotationSucceeded] < pending && a[annotationFailed] < pending
}

// delete asks AWS to delete, and lets the object go when AWS has.
func (r *run) delete(ctx context.Context, obs observation) (result, error) {
	if len(r.u.GetFinalizers()) > 1 {
		return result{requeue: true}, nil
	}
	if !obs.exists {
		return result{}, r.release(ctx)
	}
	if err := r.asyncDelete(ctx); err != nil {
		return r.failed(ctx, fmt.Errorf("delete failed: %w", err), deleting())
	}
	return result{requeue: true}, r.status(ctx, deleting(), synced())
}

// release removes the finalizer.
func (r *run) release(ctx context.Context) error {
	fs := slices.DeleteFunc(r.u.GetFinalizers(), func(f string) bool { return f == finalizer })
	if len(fs) == len(r.u.GetFinalizers()) {
		return nil
	}
	r.u.SetFinalizers(fs)
	return r.update(ctx)
}

func (r *run) create(ctx context.Context) (result, error) {
	if err := r.addFinalizer(ctx); err != nil {
		return result{}, err
	}
	r.annotate(annotationPending, stamp())
	if err := r.update(ctx); err != nil {
		return result{}, err
	}
	if err := r.begin(ctx); err != nil {
		r.annotate(annotationFailed, stamp())
		if uerr := r.critical(ctx); uerr != nil {
			return result{}, uerr
		}
		return r.failed(ctx, fmt.Errorf("create failed: %w", err), creating())
	}
	r.annotate(annotationSucceeded, stamp())
	if err := r.critical(ctx); err != nil {
		return result{}, err
	}
	if r.kind.refresh {
		return result{requeue: true}, r.status(ctx, available(), synced())
	}
	return result{requeue: true}, r.status(ctx, creating(), synced())
}

// keep brings the resource and the object into agreement.
func (r *run) keep(ctx context.Context, obs observation) (result, error) {
	if err := r.addFinalizer(ctx); err != nil {
		return result{}, err
	}
	if obs.late && r.may.may("LateInitialize") {
		// The answer carries the old status; the change of generation or
		// annotation brings a reconcile that writes it again.
		if err := r.update(ctx); err != nil {
			return result{}, err
		}
	}
	if obs.upToDate || !r.may.may("Update") {
		return result{after: r.interval()}, r.status(ctx, synced())
	}
	if err := r.change(ctx, obs); err != nil {
		return r.failed(ctx, fmt.Errorf("update failed: %w", err))
	}
	return result{after: r.interval()}, r.status(ctx, synced())
}

func (r *run) interval() time.Duration {
	if r.kind.refresh {
		return r.refreshIn()
	}
	return r.opts.Poll
}

func stamp() string { return time.Now().UTC().Format(time.RFC3339) }

func (r *run) annotate(name, value string) {
	a := r.u.GetAnnotations()
	if a == nil {
		a = map[string]string{}
	}
	a[name] = value
	r.u.SetAnnotations(a)
}

// get is the lookup of references. It asks the API server: the composition
// has seen what it refers to, and a lagging cache must not make it wait.
func (r *run) get(ctx context.Context) lookup {
	return func(k cloud.Kind, namespace, name string) (*unstructured.Unstructured, error) {
		if _, ok := r.kinds[k]; !ok {
			return nil, fmt.Errorf("no kind %s in the table", k)
		}
		return r.resource(k, namespace).Get(ctx, name, metav1.GetOptions{})
	}
}
