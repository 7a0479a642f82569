package provider

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
)

// TestSecretValue carries a value from a Secret to AWS. It shows in no managed
// resource, not even in what a refused change says.
func TestSecretValue(t *testing.T) {
	t.Parallel()
	const value = "c2VjcmV0LXRva2Vu" // secret-token
	w := newWorkbench(t, fast, Options{})
	secrets := w.client.Resource(kschema.GroupVersionResource{Version: "v1", Resource: "secrets"}).Namespace("art")
	hub := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "hub"}, "data": map[string]any{"token": value},
	}}
	hub, err := secrets.Create(context.Background(), hub, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	us := w.apply(`
apiVersion: secretsmanager.aws.m.upbound.io/v1beta1
kind: Secret
metadata: {name: token}
spec: {forProvider: {region: ap-northeast-1, name: studio-token, recoveryWindowInDays: 0}}
---
apiVersion: secretsmanager.aws.m.upbound.io/v1beta1
kind: SecretVersion
metadata: {name: token-value}
spec: {forProvider: {region: ap-northeast-1, secretIdRef: {name: token}, secretStringSecretRef: {name: hub, key: token}}}
`)
	w.ready(us...)
	hub.Object["data"] = map[string]any{"token": "YW5vdGhlci10b2tlbg=="} // another-token
	if _, err := secrets.Update(context.Background(), hub, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.refused(us[1], `cannot change the value of the argument "secret_string"`)
	for _, u := range us {
		b, err := json.Marshal(w.get(u).Object)
		if err != nil {
			t.Fatal(err)
		}
		for _, planted := range []string{"secret-token", "another-token", value} {
			if strings.Contains(string(b), planted) {
				t.Errorf("%s holds %q: %s", u.GetKind(), planted, b)
			}
		}
	}
}

// TestParameterValue carries another value on as soon as the provider looks, and
// deletes a parameter whose Secret went first.
func TestParameterValue(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, fast, Options{})
	secrets := w.client.Resource(kschema.GroupVersionResource{Version: "v1", Resource: "secrets"}).Namespace("art")
	s := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "tokens"}, "data": map[string]any{"tokens": "YT0x"},
	}}
	s, err := secrets.Create(context.Background(), s, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	us := w.apply(`
apiVersion: ssm.aws.m.upbound.io/v1beta1
kind: Parameter
metadata: {name: tokens, annotations: {crossplane.io/external-name: /comfyui-studio/tokens}}
spec: {forProvider: {region: ap-northeast-1, type: SecureString, valueSecretRef: {name: tokens, key: tokens}}}
---
apiVersion: ssm.aws.m.upbound.io/v1beta1
kind: Parameter
metadata: {name: nothing, annotations: {crossplane.io/external-name: /comfyui-studio/nothing}}
spec: {forProvider: {region: ap-northeast-1, type: SecureString, valueSecretRef: {name: gone, key: tokens}}}
`)
	w.ready(us[0])
	w.refused(us[1], "value")
	first := versionOf(w.get(us[0]))

	s.Object["data"] = map[string]any{"tokens": "Yj0y"}
	if _, err := secrets.Update(context.Background(), s, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.until(us[0], "another version", func(u *unstructured.Unstructured) bool { return versionOf(u) > first })

	if err := secrets.Delete(context.Background(), "tokens", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.remove(us...)
}

func versionOf(u *unstructured.Unstructured) int64 {
	v, _, _ := unstructured.NestedInt64(u.Object, "status", "atProvider", "version")
	return v
}
