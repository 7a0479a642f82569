package provider

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	kjson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/provider/apitest"
)

// A workbench is an API server, an AWS and a provider.
type workbench struct {
	testing.TB

	api    *apitest.Server
	client dynamic.Interface
	aws    *cloud.AWS
	opts   Options
	stop   func()
}

// fast is a scale at which an EKS cluster takes a fifth of a second.
const fast = 3000

func newWorkbench(tb testing.TB, scale float64, o Options) *workbench {
	tb.Helper()
	return newWorkbenchWith(tb, scale, o, func(kind) bool { return true })
}

// newWorkbenchWith has the CRDs of some kinds.
func newWorkbenchWith(tb testing.TB, scale float64, o Options, with func(kind) bool) *workbench {
	tb.Helper()
	w := &workbench{TB: tb, api: apitest.Start(tb), aws: cloud.New(cloud.Options{Scale: scale}), opts: o}
	w.api.Validate = validate
	for _, k := range kinds() {
		if with(k) {
			w.api.Serve(tb, k.Group(), version, k.Name, k.plural)
		}
	}
	client, err := dynamic.NewForConfig(w.api.Config)
	if err != nil {
		tb.Fatal(err)
	}
	w.client = client
	w.start()
	tb.Cleanup(func() { w.stop() })
	return w
}

// start runs a new provider: after stop, a restart.
func (w *workbench) start() {
	w.Helper()
	if w.opts.Log == nil {
		w.opts.Log = w.Logf
	}
	p, err := New(w.api.Config, w.aws, w.opts)
	if err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := p.Run(ctx); err != nil {
			w.Errorf("Run(...): %v", err)
		}
	}()
	w.stop = func() {
		cancel()
		<-done
	}
}

// objects reads manifests.
func objects(tb testing.TB, manifests string) []*unstructured.Unstructured {
	tb.Helper()
	out := []*unstructured.Unstructured{}
	for doc := range strings.SplitSeq(manifests, "\n---\n") {
		if strings.TrimSpace(doc) == "" {
			continue
		}
		j, err := yaml.YAMLToJSON([]byte(doc))
		if err != nil {
			tb.Fatalf("bad manifest: %v\n%s", err, doc)
		}
		m := map[string]any{}
		if err := kjson.Unmarshal(j, &m); err != nil || len(m) == 0 {
			tb.Fatalf("bad manifest: %v\n%s", err, doc)
		}
		u := &unstructured.Unstructured{Object: m}
		if u.GetNamespace() == "" {
			u.SetNamespace("art")
		}
		// What the API server would default.
		_ = unstructured.SetNestedStringMap(u.Object, map[string]string{"kind": "ClusterProviderConfig", "name": "default"}, "spec", "providerConfigRef")
		out = append(out, u)
	}
	return out
}

func (w *workbench) resource(u *unstructured.Unstructured) dynamic.ResourceInterface {
	for _, k := range kinds() {
		if k.Group() == u.GroupVersionKind().Group && k.Name == u.GetKind() {
			return w.client.Resource(k.gvr()).Namespace(u.GetNamespace())
		}
	}
	return w.client.Resource(schema.GroupVersionResource{Version: "v1", Resource: strings.ToLower(u.GetKind()) + "s"}).Namespace(u.GetNamespace())
}

// apply applies manifests as the composition engine does.
func (w *workbench) apply(manifests string) []*unstructured.Unstructured {
	w.Helper()
	us := objects(w, manifests)
	for _, u := range us {
		w.applyObject(u)
	}
	return us
}

func (w *workbench) applyObject(u *unstructured.Unstructured) {
	w.Helper()
	body, err := u.MarshalJSON()
	if err != nil {
		w.Fatal(err)
	}
	force := true
	_, err = w.resource(u).Patch(context.Background(), u.GetName(), types.ApplyPatchType, body,
		metav1.PatchOptions{FieldManager: "apiextensions.crossplane.io/composed", Force: &force})
	if err != nil {
		w.Fatalf("cannot apply %s %s: %v", u.GetKind(), u.GetName(), err)
	}
}

// get returns an object's live state, nil when it is gone.
func (w *workbench) get(u *unstructured.Unstructured) *unstructured.Unstructured {
	w.Helper()
	live, err := w.resource(u).Get(context.Background(), u.GetName(), metav1.GetOptions{})
	if kerrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		w.Fatal(err)
	}
	return live
}

// patience is how long a test waits, in real time, for what must come.
const patience = time.Minute

// until waits for an object to be as wanted.
func (w *workbench) until(u *unstructured.Unstructured, what string, want func(*unstructured.Unstructured) bool) *unstructured.Unstructured {
	w.Helper()
	deadline := time.Now().Add(patience)
	for {
		live := w.get(u)
		if want(live) {
			return live
		}
		if time.Now().After(deadline) {
			if live != nil {
				live.SetManagedFields(nil)
			}
			y, _ := yaml.Marshal(live)
			w.Fatalf("%s %s: want %s, got after %s:\n%s", u.GetKind(), u.GetName(), what, patience, y)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func (w *workbench) ready(us ...*unstructured.Unstructured) {
	w.Helper()
	for _, u := range us {
		w.until(u, "Ready and Synced", func(l *unstructured.Unstructured) bool {
			return l != nil && has(l, typeReady, "Available") && has(l, typeSynced, "ReconcileSuccess") && l.GetAnnotations()[annotationName] != ""
		})
	}
}

// refused waits for a message in the Synced condition.
func (w *workbench) refused(u *unstructured.Unstructured, message string) *unstructured.Unstructured {
	w.Helper()
	return w.until(u, fmt.Sprintf("message %q", message), func(l *unstructured.Unstructured) bool {
		if l == nil {
			w.Fatalf("%s %s: gone before it said %q", u.GetKind(), u.GetName(), message)
		}
		return strings.Contains(conditionOf(l, typeSynced)["message"].(string), message)
	})
}

func (w *workbench) remove(us ...*unstructured.Unstructured) {
	w.Helper()
	for _, u := range us {
		if err := w.resource(u).Delete(context.Background(), u.GetName(), metav1.DeleteOptions{}); err != nil && !kerrors.IsNotFound(err) {
			w.Fatal(err)
		}
	}
}

func (w *workbench) gone(us ...*unstructured.Unstructured) {
	w.Helper()
	for _, u := range us {
		w.until(u, "to be gone", func(l *unstructured.Unstructured) bool { return l == nil })
	}
}

// conditionOf returns a condition; its message is never nil.
func conditionOf(u *unstructured.Unstructured, kind string) map[string]any {
	cs, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	for _, c := range cs {
		m, _ := c.(map[string]any)
		if m["type"] == kind {
			if m["message"] == nil {
				m["message"] = ""
			}
			return m
		}
	}
	return map[string]any{"message": ""}
}

func has(u *unstructured.Unstructured, kind, reason string) bool {
	return conditionOf(u, kind)["reason"] == reason
}

func atProvider(u *unstructured.Unstructured) cloud.Values {
	m, _, _ := unstructured.NestedMap(u.Object, "status", "atProvider")
	return m
}

// calls are the calls made for an object.
func (w *workbench) calls(u *unstructured.Unstructured) cloud.CallCount {
	for _, c := range w.aws.Calls() {
		if c.Kind == u.GetKind() && c.Namespace == u.GetNamespace() && c.Name == u.GetName() && c.Group == u.GroupVersionKind().Group {
			return c
		}
	}
	return cloud.CallCount{}
}
