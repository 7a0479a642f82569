package provider

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// update writes spec and metadata and takes over what the API server answers,
// its view of the status included.
func (r *run) update(ctx context.Context) error {
	// The real provider's Go types write an empty initProvider with their
	// first update, which costs a generation where no tags are written.
	if spec, ok := r.u.Object["spec"].(map[string]any); ok && spec["initProvider"] == nil && !r.kind.refresh {
		initProvider := map[string]any{}
		for field := range r.kind.secrets {
			initProvider[field] = map[string]any{"key": "", "name": ""}
		}
		spec["initProvider"] = initProvider
	}
	u, err := r.resource(r.kind.Kind, r.key.namespace).Update(ctx, r.u, metav1.UpdateOptions{FieldManager: fieldManager})
	if err != nil {
		return fmt.Errorf("cannot update managed resource: %w", err)
	}
	r.u = u
	return nil
}

// critical writes annotations whatever else happened to the object.
func (r *run) critical(ctx context.Context) error {
	for {
		err := r.update(ctx)
		if !kerrors.IsConflict(err) {
			return err
		}
		u, gerr := r.resource(r.kind.Kind, r.key.namespace).Get(ctx, r.key.name, metav1.GetOptions{})
		if gerr != nil {
			return fmt.Errorf("cannot update critical annotations: %w", gerr)
		}
		ours := r.u.GetAnnotations()
		if name := u.GetAnnotations()[annotationName]; name != "" {
			// Somebody may have written the name by hand meanwhile.
			ours[annotationName] = name
		}
		u.SetAnnotations(merged(u.GetAnnotations(), ours))
		r.u = u
	}
}

func merged(under, over map[string]string) map[string]string {
	out := maps.Clone(under)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, over)
	return out
}

// status sets conditions and writes the status, unless nothing changed or a
// fault hides it.
func (r *run) status(ctx context.Context, cs ...condition) error {
	setConditions(r.u, cs...)
	mode, over := r.aws.StatusFault(r.kind.Kind, r.key.owner())
	switch mode {
	case cloud.LoseStatus:
		r.u.Object["status"] = map[string]any{}
	case cloud.Freeze:
		setConditions(r.u, unavailable())
	default: // The others are AWS's.
	}
	if over > 0 {
		r.queue.after(r.key, over-r.aws.Clock().Now())
	}
	r.mu.Lock()
	r.shown[r.key] = mode
	r.mu.Unlock()
	now, _, _ := unstructured.NestedMap(r.u.Object, "status")
	if len(r.was) == 0 && len(now) == 0 || reflect.DeepEqual(r.was, now) {
		return nil
	}
	u, err := r.resource(r.kind.Kind, r.key.namespace).UpdateStatus(ctx, r.u, metav1.UpdateOptions{FieldManager: fieldManager})
	if kerrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot update managed resource status: %w", err)
	}
	r.u, r.was = u, now
	return nil
}

func (r *run) addFinalizer(ctx context.Context) error {
	if slices.Contains(r.u.GetFinalizers(), finalizer) {
		return nil
	}
	// An update's answer carries the old status; the observation is not lost.
	status := r.u.Object["status"]
	r.u.SetFinalizers(append(r.u.GetFinalizers(), finalizer))
	err := r.update(ctx)
	if err == nil && status != nil {
		r.u.Object["status"] = status
	}
	return err
}

// initialize writes the tags by which the real provider's resources are
// known, and the external name of kinds whose name is ours.
func (r *run) initialize(ctx context.Context) error {
	if r.tag() {
		if err := r.update(ctx); err != nil {
			return err
		}
	}
	if r.kind.naming == byObject && r.u.GetAnnotations()[annotationName] == "" {
		r.annotate(annotationName, r.u.GetName())
		return r.update(ctx)
	}
	return nil
}

// tag tells whether it changed tags.
func (r *run) tag() bool {
	if r.kind.untagged || r.deleted() || r.may.onlyObserve() {
		return false
	}
	pc, _, _ := unstructured.NestedString(r.u.Object, "spec", "providerConfigRef", "name")
	forProvider := forProviderOf(r.u)
	changed := false
	for k, v := range map[string]any{
		"crossplane-kind": r.kind.String(), "crossplane-name": r.key.name, "crossplane-providerconfig": pc,
	} {
		if have, _ := forProvider.Get("tags").(map[string]any); have[k] != v {
			forProvider.Set("tags", map[string]any(cloud.Values(have).Overlay(cloud.Values{k: v})))
			changed = true
		}
	}
	return changed
}

// resolve resolves the references and applies what it found, with a field
// manager of its own that the composition's apply does not share.
func (r *run) resolve(ctx context.Context) error {
	before := forProviderOf(r.u).Copy()
	changed, err := resolve(r.kind, r.u, r.get(ctx))
	if err != nil {
		_ = unstructured.SetNestedMap(r.u.Object, before, "spec", "forProvider")
		r.aws.NoteWait(r.kind.Kind, r.key.owner())
		return err
	}
	if !changed {
		return nil
	}
	// An apply that leaves out what its manager alone owns removes it. A
	// later resolution never removed an earlier one's value, where it was seen.
	now := forProviderOf(r.u)
	fields := cloud.Values(mergeDiff(before, now))
	for _, ref := range r.kind.refs {
		head, _, _ := strings.Cut(ref.field, "[]")
		if ref.resolved(now) {
			fields.Set(head, runtime.DeepCopyJSONValue(now.Get(head)))
		}
	}
	patch, err := json.Marshal(map[string]any{
		"apiVersion": r.u.GetAPIVersion(), "kind": r.u.GetKind(),
		"spec": map[string]any{"forProvider": fields},
	})
	if err != nil {
		return fmt.Errorf("cannot prepare patch: %w", err)
	}
	force := true
	u, err := r.resource(r.kind.Kind, r.key.namespace).Patch(ctx, r.key.name, types.ApplyPatchType, patch,
		metav1.PatchOptions{FieldManager: fieldManagerResolver, Force: &force})
	if err != nil {
		return fmt.Errorf("cannot patch the managed resource via server-side apply: %w", err)
	}
	r.u = u
	return nil
}

// mergeDiff is the JSON merge patch from one object to another that has more.
func mergeDiff(from, to map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range to {
		was, ok := from[k]
		if ok && reflect.DeepEqual(was, v) {
			continue
		}
		wasMap, a := was.(map[string]any)
		isMap, b := v.(map[string]any)
		if a && b {
			out[k] = mergeDiff(wasMap, isMap)
			continue
		}
		out[k] = runtime.DeepCopyJSONValue(v)
	}
	return out
}

// readSecrets gets the arguments that the spec keeps in Secrets. A Secret or a key
// that is not there is an empty value, and AWS's to refuse: upjet has it so, since
// a managed resource may be deleted after its Secret (GetSensitiveParameters).
func (r *run) readSecrets(ctx context.Context) error {
	r.secrets = cloud.Values{}
	for field, arg := range r.kind.secrets {
		ref := forProviderOf(r.u).List(field)
		if len(ref) == 0 {
			continue
		}
		gvr := schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
		u, err := r.client.Resource(gvr).Namespace(r.key.namespace).Get(ctx, ref[0].String("name"), metav1.GetOptions{})
		if kerrors.IsNotFound(err) {
			r.secrets[arg] = ""
			continue
		}
		if err != nil {
			return fmt.Errorf("cannot get sensitive parameters: %w", err)
		}
		data, _ := u.Object["data"].(map[string]any)
		// Not by path: a key may hold dots.
		encoded, _ := data[ref[0].String("key")].(string)
		value, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return fmt.Errorf("cannot get sensitive parameters: secret %q: %w", ref[0].String("name"), err)
		}
		r.secrets[arg] = string(value)
	}
	return nil
}

// forProviderOf is spec.forProvider itself, not a copy.
func forProviderOf(u *unstructured.Unstructured) cloud.Values {
	spec, ok := u.Object["spec"].(map[string]any)
	if !ok {
		spec = map[string]any{}
		u.Object["spec"] = spec
	}
	fp, ok := spec["forProvider"].(map[string]any)
	if !ok {
		fp = map[string]any{}
		spec["forProvider"] = fp
	}
	return fp
}
