package provider

import (
	"context"
	"fmt"

	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/util/retry"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// words are what upjet and crossplane-runtime call the operations.
var words = map[cloud.Operation]struct{ async, reason string }{
	cloud.OpCreate: {"create", "AsyncCreateFailure"},
	cloud.OpUpdate: {"update", "AsyncUpdateFailure"},
	cloud.OpDelete: {"delete", "AsyncDeleteFailure"},
}

// background runs an operation beside the reconcile and returns at once: an
// error when another operation runs, or the one the operation before left.
func (r *run) background(ctx context.Context, op cloud.Operation, before error, do func() error) error {
	now := r.aws.Clock().Wall()
	if !r.track.start(op, now) {
		running, since := r.track.running()
		return fmt.Errorf("%s operation that started at %s is still running", running, since)
	}
	r.wg.Go(func() {
		// What the reconcile writes comes first. The real operation takes long
		// enough for that; a scaled one may not.
		select {
		case <-r.done:
		case <-ctx.Done():
			return
		}
		err := do()
		if ctx.Err() != nil {
			// The process is gone: nobody writes anything down.
			return
		}
		if err != nil {
			err = fmt.Errorf("async %s failed: %w", words[op].async, err)
		}
		r.track.end(err)
		r.callback(ctx, op, err)
	})
	return before
}

// callback reports the end of an operation in the status, and asks for a
// reconcile: at once after a success, after a back-off of its own otherwise.
func (r *run) callback(ctx context.Context, op cloud.Operation, err error) {
	// The real one does not try again, and its report is lost when the object
	// changes in that instant. Scaled time makes such instants long.
	gerr := retry.RetryOnConflict(retry.DefaultRetry, func() error { return r.report(ctx, op, err) })
	if gerr != nil && !kerrors.IsNotFound(gerr) {
		r.opts.Log("cannot report the end of %s of %s %s/%s: %v", op, r.kind.Name, r.key.namespace, r.key.name, gerr)
	}
	if err != nil {
		r.queue.asyncFailed(r.key)
		return
	}
	r.queue.forgetAsync(r.key)
	r.queue.Add(r.key)
}

func (r *run) report(ctx context.Context, op cloud.Operation, err error) error {
	u, gerr := r.resource(r.kind.Kind, r.key.namespace).Get(ctx, r.key.name, metav1.GetOptions{})
	if gerr != nil {
		return gerr
	}
	was, _, _ := unstructured.NestedMap(u.Object, "status")
	report := &run{Provider: r.Provider, wg: r.wg, kind: r.kind, key: r.key, u: u, track: r.track, was: was}
	cs := []condition{
		{kind: typeAsync, ok: true, reason: "Success"},
		{kind: typeSynced, ok: true, reason: "ReconcileSuccess"},
	}
	if err != nil {
		cs[0] = condition{kind: typeAsync, reason: words[op].reason, message: err.Error()}
		cs[1] = condition{kind: typeSynced, reason: "ReconcileError", message: words[op].async + " failed: " + err.Error()}
	}
	return report.status(ctx, cs...)
}
