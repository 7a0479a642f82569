package bed

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func toyKind() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "test.comfyui-studio.io", Version: "v1alpha1", Kind: "Toy"}
}

// toyOptions are those of a bed for toys. This test binary is the function, too.
func toyOptions() (Options, error) {
	root, err := FindRoot()
	if err != nil {
		return Options{}, err
	}

	return Options{
		Root:           root,
		APIs:           filepath.Join(root, "test", "e2e", "bed", "toy", "apis"),
		FunctionBinary: os.Args[0],
		Record:         true,
	}, nil
}

// start starts a bed for toys that ends with the test.
func start(t *testing.T, change ...func(*Options)) *Bed {
	t.Helper()

	o, err := toyOptions()
	if err != nil {
		t.Fatal(err)
	}

	o.Log = t.Logf
	for _, c := range change {
		c(&o)
	}

	b, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := b.Err(); err != nil {
			t.Error(err)
		}

		if err := b.Stop(); err != nil {
			t.Error(err)
		}
	})

	return b
}

func applyToy(t *testing.T, b *Bed, name, colour string) {
	t.Helper()

	_, err := b.Apply(t.Context(), fmt.Sprintf(`
apiVersion: test.comfyui-studio.io/v1alpha1
kind: Toy
metadata: {namespace: default, name: %s}
spec: {colour: %s}
`, name, colour))
	if err != nil {
		t.Fatal(err)
	}
}

// makeToy applies a toy and waits until it is Ready with that colour in its box.
func makeToy(t *testing.T, b *Bed, name, colour string) {
	t.Helper()
	applyToy(t, b, name, colour)

	if err := b.Await(t.Context(), toyKind(), "default", name, 30*time.Second, HasCondition("Ready")); err != nil {
		t.Fatal(err)
	}

	awaitBox(t, b, name, colour)
}

func awaitBox(t *testing.T, b *Bed, name, colour string) {
	t.Helper()

	configMaps, err := b.Resource(schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}, "default")
	if err != nil {
		t.Fatal(err)
	}

	err = poll(t.Context(), 30*time.Second, 50*time.Millisecond, func(ctx context.Context) error {
		boxes, err := configMaps.List(ctx, metav1.ListOptions{LabelSelector: "crossplane.io/composite=" + name})
		if err != nil {
			return err
		}

		if len(boxes.Items) != 1 {
			return fmt.Errorf("want one box of %s, got %d", name, len(boxes.Items))
		}

		if got, _, _ := unstructured.NestedString(boxes.Items[0].Object, "data", "colour"); got != colour {
			return fmt.Errorf("want a %s box of %s, got %q", colour, name, got)
		}

		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// deleteToy deletes a toy and waits until it and its box are gone.
func deleteToy(t *testing.T, b *Bed, name string) {
	t.Helper()

	toys, err := b.Resource(toyKind(), "default")
	if err != nil {
		t.Fatal(err)
	}

	foreground := metav1.DeletePropagationForeground
	if err := toys.Delete(t.Context(), name, metav1.DeleteOptions{PropagationPolicy: &foreground}); err != nil {
		t.Fatal(err)
	}

	if err := b.Await(t.Context(), toyKind(), "default", name, 30*time.Second, Gone); err != nil {
		t.Fatal(err)
	}
}
