package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"

	"github.com/comfyui-studio/comfyui-studio/apis/admission"
	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/hack/crds"
)

const definitionFile = "apis/comfyuistudios/definition.yaml"

// A judge admits objects as the API server of a management cluster would.
type judge struct {
	// claims is made for the first claim: compiling its rules takes a while.
	claims func() (*admission.Admission, error)
	crds   *crds.Catalogue
	core   *json.Serializer
}

// checkYAML has each YAML block admitted: objects as they stand, and what begins
// with spec as the spec of a claim that has all it needs.
func checkYAML(ctx context.Context, root string, pages []*page) []error {
	d, err := os.ReadFile(filepath.Join(root, definitionFile))
	if err != nil {
		return []error{fmt.Errorf("cannot read the claim's definition: %w", err)}
	}

	j := &judge{
		claims: sync.OnceValues(func() (*admission.Admission, error) { return admission.New(d) }), //nolint:contextcheck // Compiling rules cannot be cancelled.
		crds:   crds.NewCatalogue(),
		core:   json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme.Scheme, scheme.Scheme, json.SerializerOptions{Yaml: true, Strict: true}),
	}

	var errs []error

	for _, p := range pages {
		for _, b := range p.blocks {
			if b.language != "yaml" {
				continue
			}

			if err := j.block(ctx, b); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", b.where(), err))
			}
		}
	}

	return errs
}

func (j *judge) block(ctx context.Context, b *block) error {
	if slices.Equal(b.tags, []string{tagPlain}) {
		if err := yaml.UnmarshalStrict([]byte(b.text), &map[string]any{}); err != nil {
			return fmt.Errorf("cannot parse: %w", err)
		}

		return nil
	}

	if len(b.tags) > 0 {
		return fmt.Errorf("a block of YAML has the tag %s or none: this one has %q", tagPlain, b.tags)
	}

	r := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(b.text)))

	for {
		document, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("cannot read: %w", err)
		}

		if err := j.document(ctx, document); err != nil {
			return err
		}
	}
}

func (j *judge) document(ctx context.Context, document []byte) error {
	b, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		return fmt.Errorf("cannot parse: %w", err)
	}

	// Apimachinery's decoder leaves whole numbers whole.
	o := &unstructured.Unstructured{}
	if err := utiljson.Unmarshal(b, &o.Object); err != nil {
		return fmt.Errorf("cannot parse: %w", err)
	}

	if slices.Equal(slices.Collect(maps.Keys(o.Object)), []string{"spec"}) {
		o = claimOf(o)
	}

	if o.GetKind() == "" || o.GetAPIVersion() == "" {
		return fmt.Errorf("this is neither an object nor the spec of a claim: tag it %s if it is right so", tagPlain)
	}

	if err := j.object(ctx, o, document); err != nil {
		return fmt.Errorf("%s %s: %w", o.GetKind(), o.GetName(), err)
	}

	return nil
}

func (j *judge) object(ctx context.Context, o *unstructured.Unstructured, document []byte) error {
	gvk := o.GroupVersionKind()

	switch {
	case gvk.Group == v1alpha1.GroupVersion.Group:
		claims, err := j.claims()
		if err != nil {
			return fmt.Errorf("cannot use the claim's definition: %w", err)
		}

		return admit(claims, o) //nolint:contextcheck // Rules run to their cost limit.
	case scheme.Scheme.Recognizes(gvk):
		if _, _, err := j.core.Decode(document, &gvk, nil); runtime.IsStrictDecodingError(err) || err != nil {
			return err
		}

		return nil
	default:
		d, err := j.crds.Find(ctx, gvk)
		if err != nil {
			return err
		}

		if d.Namespaced != (o.GetNamespace() != "") {
			return errors.New("it names no namespace and lies in one, or the other way round")
		}

		// Admission is made for claims, which lie in one.
		o.SetNamespace("anywhere")

		return admit(d.Admission, o) //nolint:contextcheck // As above.
	}
}

func admit(a *admission.Admission, o *unstructured.Unstructured) error {
	if unknown := a.Unknown(o); len(unknown) > 0 {
		return fmt.Errorf("unknown fields %s", strings.Join(unknown, ", "))
	}

	return a.Create(o).ToAggregate()
}

// claimOf makes a claim of what a page shows of its spec.
func claimOf(part *unstructured.Unstructured) *unstructured.Unstructured {
	o := part.DeepCopy()
	o.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("ComfyUIStudio"))
	o.SetName("tokyo")
	o.SetNamespace("art")

	if _, found, err := unstructured.NestedString(o.Object, "spec", "region"); err == nil && !found {
		_ = unstructured.SetNestedField(o.Object, "ap-northeast-1", "spec", "region")
	}

	return o
}
