package incluster

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit/wire/wiretest"
)

// TestManifest holds manifests to apimachinery's own way from types to plain data,
// whatever the types hold: what it calls null or empty is left out, and nothing else.
func TestManifest(t *testing.T) {
	for seed := range uint64(100) {
		for _, o := range []runtime.Object{
			&appsv1.Deployment{}, &corev1.Service{}, &corev1.ConfigMap{}, &corev1.Namespace{}, &corev1.ServiceAccount{},
			&corev1.PersistentVolume{}, &corev1.PersistentVolumeClaim{}, &rbacv1.Role{}, &rbacv1.RoleBinding{},
			&networkingv1.NetworkPolicy{}, &policyv1.PodDisruptionBudget{},
		} {
			wiretest.Fill(rand.New(rand.NewPCG(seed, 0)), o)

			got, err := Manifest{o}.MarshalWire()
			if err != nil {
				t.Fatalf("%T, seed %d: MarshalWire(): %v", o, seed, err)
			}

			if diff := cmp.Diff(plain(t, o), got.GetStructValue().AsMap()); diff != "" {
				t.Fatalf("%T, seed %d: MarshalWire(): -want, +got:\n%s", o, seed, diff)
			}
		}
	}
}

// plain is a manifest by way of plain data.
func plain(t *testing.T, o runtime.Object) map[string]any {
	t.Helper()

	m, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		t.Fatal(err)
	}

	delete(m, "status")
	tidy(m)

	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}

	out := map[string]any{}
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}

	return out
}

func tidy(m map[string]any) {
	for k, v := range m {
		switch v := v.(type) {
		case nil:
			delete(m, k)
		case map[string]any:
			tidy(v)

			if len(v) == 0 && noise[k] {
				delete(m, k)
			}
		case []any:
			for _, e := range v {
				if e, ok := e.(map[string]any); ok {
					tidy(e)
				}
			}
		}
	}
}
