package bed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
)

// Manager is the field manager of what the bed applies.
const Manager = "bed"

// Apply applies all objects of a YAML stream, in their order, server-side, and
// returns them as the server has them.
func (b *Bed) Apply(ctx context.Context, manifest string) ([]*unstructured.Unstructured, error) {
	objs, err := decode([]byte(manifest))
	if err != nil {
		return nil, err
	}

	for i, o := range objs {
		if objs[i], err = b.ApplyObject(ctx, o); err != nil {
			return nil, err
		}
	}

	return objs, nil
}

// ApplyObject applies one object, server-side.
func (b *Bed) ApplyObject(ctx context.Context, o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	r, err := b.Resource(o.GroupVersionKind(), o.GetNamespace())
	if err != nil {
		return nil, err
	}

	got, err := r.Apply(ctx, o.GetName(), o, metav1.ApplyOptions{FieldManager: Manager, Force: true})
	if err != nil {
		return nil, fmt.Errorf("cannot apply %s %s: %w", o.GetKind(), o.GetName(), err)
	}

	return got, nil
}

// Resource is a client for one kind, in a namespace when there is one. It
// learns of kinds that were just installed.
func (b *Bed) Resource(gvk schema.GroupVersionKind, namespace string) (dynamic.ResourceInterface, error) {
	m, err := b.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if meta.IsNoMatchError(err) {
		b.mapper.Reset()
		m, err = b.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	}

	if err != nil {
		return nil, fmt.Errorf("cannot find kind %s: %w", gvk.Kind, err)
	}

	if m.Scope.Name() == meta.RESTScopeNameRoot {
		return b.client.Resource(m.Resource), nil
	}

	return b.client.Resource(m.Resource).Namespace(namespace), nil
}

// Await gets an object until it satisfies; an object that is not there is nil.
// The error says what satisfies said last.
func (b *Bed) Await(ctx context.Context, gvk schema.GroupVersionKind, namespace, name string, limit time.Duration, satisfies func(*unstructured.Unstructured) error) error {
	r, err := b.Resource(gvk, namespace)
	if err != nil {
		return err
	}

	return poll(ctx, limit, 50*time.Millisecond, func(ctx context.Context) error {
		o, err := r.Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			o, err = nil, nil
		}

		if err != nil {
			return err
		}

		if err := satisfies(o); err != nil {
			return fmt.Errorf("%s %s: %w", gvk.Kind, name, err)
		}

		return nil
	})
}

// HasCondition is for Await: a condition of that type has status True.
func HasCondition(conditionType string) func(*unstructured.Unstructured) error {
	return func(o *unstructured.Unstructured) error {
		if o == nil {
			return errors.New("is not there")
		}

		conditions, _, err := unstructured.NestedSlice(o.Object, "status", "conditions")
		if err != nil {
			return err
		}

		for _, c := range conditions {
			c, ok := c.(map[string]any)
			if !ok || c["type"] != conditionType {
				continue
			}

			if c["status"] == "True" {
				return nil
			}

			return fmt.Errorf("is not %s: %v: %v", conditionType, c["reason"], c["message"])
		}

		return fmt.Errorf("has no condition %s", conditionType)
	}
}

// Gone is for Await: the object is not there.
func Gone(o *unstructured.Unstructured) error {
	if o != nil {
		return fmt.Errorf("is still there (finalizers %v)", o.GetFinalizers())
	}

	return nil
}

func decode(manifest []byte) ([]*unstructured.Unstructured, error) {
	objs := []*unstructured.Unstructured{}
	d := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifest), 4096)

	for {
		o := &unstructured.Unstructured{}

		err := d.Decode(&o.Object)
		if errors.Is(err, io.EOF) {
			return objs, nil
		}

		if err != nil {
			return nil, fmt.Errorf("cannot decode a manifest: %w", err)
		}

		if len(o.Object) > 0 {
			objs = append(objs, o)
		}
	}
}
