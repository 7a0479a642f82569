package main

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/bed"
)

// claimName is what every claim is called; they live in namespaces of their own.
const claimName = "tokyo"

// region is where the studios are.
const region = "ap-northeast-1"

// apply applies the minimal claim in a namespace and begins its history.
func apply(ctx context.Context, b *bed.Bed, r *recorder, namespace string) error {
	if err := makeNamespace(ctx, b, namespace); err != nil {
		return err
	}

	r.begin(namespace)

	return applyClaim(ctx, b, namespace)
}

func makeNamespace(ctx context.Context, b *bed.Bed, name string) error {
	ns := &unstructured.Unstructured{}
	ns.SetAPIVersion("v1")
	ns.SetKind("Namespace")
	ns.SetName(name)

	_, err := b.ApplyObject(ctx, ns)

	return err
}

func applyClaim(ctx context.Context, b *bed.Bed, namespace string) error {
	claim := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"region": region}}}
	claim.SetGroupVersionKind(studioKind)
	claim.SetNamespace(namespace)
	claim.SetName(claimName)

	_, err := b.ApplyObject(ctx, claim)

	return err
}
