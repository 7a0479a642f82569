package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"

	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// configGroup is that of the provider's own kinds.
const configGroup = "aws.m.upbound.io"

var errNoConfigRef = errors.New("no providerConfigRef provided")

// connect looks up the provider config, as the real provider does on its way
// to credentials.
func (r *run) connect(ctx context.Context) error {
	args := forProviderOf(r.u)
	for _, f := range r.kind.idFields {
		if args.String(f) == "" {
			return fmt.Errorf("cannot get ID: %s cannot be empty", snake(f))
		}
	}
	if err := r.readSecrets(ctx); err != nil {
		return err
	}
	if !r.opts.CheckProviderConfig {
		return nil
	}
	spec, _ := r.u.Object["spec"].(map[string]any)
	ref := cloud.Values(spec)
	kind, name := ref.String("providerConfigRef.kind"), ref.String("providerConfigRef.name")
	if name == "" {
		return errNoConfigRef
	}
	gvr := schema.GroupVersionResource{Group: configGroup, Version: version, Resource: strings.ToLower(kind) + "s"}
	var err error
	if kind == "ProviderConfig" {
		_, err = r.client.Resource(gvr).Namespace(r.key.namespace).Get(ctx, name, metav1.GetOptions{})
	} else {
		_, err = r.client.Resource(gvr).Get(ctx, name, metav1.GetOptions{})
	}
	if err != nil {
		return fmt.Errorf("cannot get referenced provider config %s %q: %w", kind, name, err)
	}
	return r.use(ctx, kind, name)
}

// use asks whether the ProviderConfigUsage can be written that the real provider
// writes before every look at AWS (crossplane-runtime, ProviderConfigUsageTracker).
// Nothing in a bed needs the object itself. It matters where the namespace ends:
// what was there is deleted with it, and nothing new is let in. What is not being
// deleted asks when another resource of its namespace was refused, which is cheaper.
func (r *run) use(ctx context.Context, kind, name string) error {
	if _, ends := r.ending.Load(r.key.namespace); !ends && !r.deleted() {
		return nil
	}
	usage := &unstructured.Unstructured{Object: map[string]any{
		"providerConfigRef": map[string]any{"kind": kind, "name": name},
		"resourceRef":       map[string]any{"apiVersion": r.u.GetAPIVersion(), "kind": r.u.GetKind(), "name": r.u.GetName()},
	}}
	usage.SetAPIVersion(configGroup + "/" + version)
	usage.SetKind("ProviderConfigUsage")
	usage.SetNamespace(r.key.namespace)
	usage.SetName(string(r.u.GetUID()))
	gvr := schema.GroupVersionResource{Group: configGroup, Version: version, Resource: "providerconfigusages"}
	_, err := r.client.Resource(gvr).Namespace(r.key.namespace).Create(ctx, usage, metav1.CreateOptions{FieldManager: fieldManager, DryRun: []string{metav1.DryRunAll}})
	if kerrors.IsForbidden(err) {
		r.ending.Store(r.key.namespace, true)
	}
	if err != nil {
		return fmt.Errorf("cannot track ProviderConfig usage: cannot apply ProviderConfigUsage: %w", err)
	}
	return nil
}
