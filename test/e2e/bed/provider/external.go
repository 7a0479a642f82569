package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// An observation is what observing the resource in AWS told.
type observation struct {
	exists   bool
	upToDate bool
	// late: observing changed spec or annotations.
	late bool
	// diff are the arguments that differ.
	diff []difference
}

var errIdentity = errors.New("Missing Resource Identity After Read: The Terraform Provider unexpectedly returned no resource identity data after having no errors in the resource read. This is always a problem with the provider and should be reported to the provider developer") //nolint:staticcheck // Terraform's words

// call is a call to AWS with what the spec says.
func (r *run) call() cloud.Call {
	spec, _ := r.u.Object["spec"].(map[string]any)
	init, _ := spec["initProvider"].(map[string]any)
	args := cloud.Values(init).Overlay(forProviderOf(r.u))
	r.kind.strip(args)
	for path, v := range r.kind.inject {
		if !args.Has(path) {
			args.Set(path, v)
		}
	}
	args = args.Overlay(r.secrets)
	for _, path := range r.kind.documents {
		if r.kind.versionFirst && args.String(path) != "" {
			args.Set(path, versionFirst(args.String(path)))
		}
	}
	c := cloud.Call{Kind: r.kind.Kind, Owner: r.key.owner(), Name: r.u.GetAnnotations()[annotationName], Args: args}
	if id, ok := r.aws.Identity(c); ok {
		c.ID = id
	} else if c.ID = r.track.knownID(); c.ID == "" {
		c.ID = c.Name
	}
	return c
}

// observe is upjet's asynchronous Observe.
func (r *run) observe(ctx context.Context) (observation, error) {
	if r.kind.refresh {
		return r.observeAuth(), nil
	}
	if op, _ := r.track.running(); op != "" {
		return observation{exists: true, upToDate: true}, nil
	}
	r.track.clear(false)
	if r.deleted() && r.track.gone() {
		return observation{}, nil
	}
	if r.kind.identityBug && r.opts.Version == brokenVersion {
		return observation{}, fmt.Errorf("failed to observe the resource: %w", errIdentity)
	}
	c := r.call()
	if c.ID == "" {
		return observation{}, nil
	}
	res, err := r.aws.Read(c)
	if cloud.IsNotFound(err) {
		return observation{}, nil
	}
	if err != nil {
		return observation{}, fmt.Errorf("failed to observe the resource: [{0 reading %s (%s): %w  []}]", r.kind.Name, c.ID, err)
	}
	return r.found(ctx, c, res), nil
}

// found fills the object from what AWS knows.
func (r *run) found(_ context.Context, c cloud.Call, res cloud.Resource) observation {
	setConditions(r.u, available())
	seen := r.kind.observed(res)
	obs := observation{exists: true, upToDate: true}
	if r.may.may("LateInitialize") {
		obs.late = lateInitialize(r.kind, forProviderOf(r.u), res.Observed())
	}
	_ = unstructured.SetNestedMap(r.u.Object, seen, "status", "atProvider")
	if !r.may.onlyObserve() {
		obs.diff = r.kind.differences(c.Args, res.Observed())
		obs.upToDate = len(obs.diff) == 0
	}
	if name := r.externalName(res); name != r.u.GetAnnotations()[annotationName] {
		r.annotate(annotationName, name)
		obs.late = true
	}
	if obs.upToDate && !r.deleted() {
		setConditions(r.u, condition{kind: typeAsync, ok: true, reason: "Success"},
			condition{kind: typeSynced, ok: true, reason: "ReconcileSuccess"})
		r.track.clear(true)
		r.queue.forgetAsync(r.key)
	}
	return obs
}

func (r *run) externalName(res cloud.Resource) string {
	if r.kind.naming == byObject {
		return r.u.GetAnnotations()[annotationName]
	}
	return res.ID
}

// begin starts to create the resource. The error is the one that the last
// attempt left behind: this attempt's result comes by callback.
func (r *run) begin(ctx context.Context) error {
	if r.kind.refresh {
		return r.createAuth(ctx)
	}
	c := r.call()
	err := r.track.failure()
	return r.background(ctx, cloud.OpCreate, err, func() error {
		res, err := r.aws.Create(c)
		if err != nil {
			if r.kind.stub != "" && cloud.Code(err) == "EntityAlreadyExists" {
				r.stubName(ctx)
			}
			return fmt.Errorf("failed to create the resource: [{0 creating %s: %w  []}]", r.kind.Name, err)
		}
		// From here on the process knows the id; the API server does not.
		r.track.know(res.ID)
		c.ID = res.ID
		if path := r.kind.waitIf; path != "" && c.Args.Has(path) && !c.Args.Bool(path) {
			return r.aws.Clock().Sleep(ctx, r.kind.settle)
		}
		if _, err := r.aws.Await(ctx, c, r.kind.patience()); err != nil {
			return fmt.Errorf("failed to create the resource: [{0 waiting for %s (%s) create: %w  []}]", r.kind.Name, res.ID, err)
		}
		return r.aws.Clock().Sleep(ctx, r.kind.settle)
	})
}

func (k kind) patience() time.Duration {
	if k.timeout > 0 {
		return k.timeout
	}
	return defaultTimeout
}

// stubName writes the name that a create which was refused leaves behind in
// the framework's resources: seen on VPCOrigin after a provider restart.
func (r *run) stubName(ctx context.Context) {
	u, err := r.resource(r.kind.Kind, r.key.namespace).Get(ctx, r.key.name, metav1.GetOptions{})
	if err != nil || u.GetAnnotations()[annotationName] != "" {
		return
	}
	u.SetAnnotations(merged(u.GetAnnotations(), map[string]string{annotationName: r.kind.stub}))
	if _, err := r.resource(r.kind.Kind, r.key.namespace).Update(ctx, u, metav1.UpdateOptions{FieldManager: fieldManager}); err != nil {
		r.opts.Log("cannot write stub name: %v", err)
	}
}

// change starts to update the resource.
func (r *run) change(ctx context.Context, obs observation) error {
	if r.kind.refresh {
		return r.createAuth(ctx)
	}
	c := r.call()
	err := r.track.failure()
	return r.background(ctx, cloud.OpUpdate, err, func() error {
		for _, d := range obs.diff {
			if !r.kind.replaces(d.path) {
				continue
			}
			if r.secrets.Has(d.path) {
				// upjet keeps sensitive values out of it.
				return fmt.Errorf("refuse to update the external resource because the following update requires replacing it: cannot change the value of the argument %q", snake(d.path))
			}
			return fmt.Errorf("refuse to update the external resource because the following update requires replacing it: cannot change the value of the argument %q from %q to %q", snake(d.path), d.have, d.want)
		}
		if _, err := r.aws.Update(c); err != nil {
			return fmt.Errorf("failed to update the resource: [{0 updating %s (%s): %w  []}]", r.kind.Name, c.ID, err)
		}
		if _, err := r.aws.Await(ctx, c, r.kind.patience()); err != nil {
			return fmt.Errorf("failed to update the resource: [{0 waiting for %s (%s) update: %w  []}]", r.kind.Name, c.ID, err)
		}
		return r.aws.Clock().Sleep(ctx, apiLatency)
	})
}

// apiLatency is what an update costs at least: 2-8 AWS calls a second were
// seen from one managed resource that never agreed with AWS.
const apiLatency = 250 * time.Millisecond

// snake is Terraform's spelling of a field.
func snake(path string) string {
	b := strings.Builder{}
	for _, c := range path {
		if c >= 'A' && c <= 'Z' {
			b.WriteByte('_')
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}

// deletePoll is how often Terraform tries a refused delete again.
const deletePoll = 10 * time.Second

// asyncDelete starts to delete the resource, unless that is under way.
func (r *run) asyncDelete(ctx context.Context) error {
	r.track.mu.Lock()
	last := r.track.last
	r.track.mu.Unlock()
	if last == cloud.OpDelete {
		return nil
	}
	c := r.call()
	err := r.track.failure()
	return r.background(ctx, cloud.OpDelete, err, func() error {
		deadline := r.aws.Clock().Now() + r.kind.patient
		for {
			err := r.aws.Delete(c)
			if cloud.IsNotFound(err) {
				return nil
			}
			if err == nil {
				break
			}
			if r.aws.Clock().Now() >= deadline {
				return fmt.Errorf("failed to delete the resource: [{0 deleting %s (%s): %w  []}]", r.kind.Name, c.ID, err)
			}
			if err := r.aws.Clock().Sleep(ctx, deletePoll); err != nil {
				return err
			}
		}
		if err := r.aws.AwaitGone(ctx, c, r.kind.patience()); err != nil {
			return fmt.Errorf("failed to delete the resource: [{0 waiting for %s (%s) delete: %w  []}]", r.kind.Name, c.ID, err)
		}
		return r.aws.Clock().Sleep(ctx, r.kind.linger)
	})
}
