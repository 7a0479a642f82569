package preview

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"

	"github.com/comfyui-studio/comfyui-studio/apis/admission"
	"github.com/comfyui-studio/comfyui-studio/apis/claims"
)

// KeyAnnotation is where Crossplane keeps which of a claim's resources an object
// is.
const KeyAnnotation = "crossplane.io/composition-resource-name"

// ReadClaims reads the claims in a file and does to them what an API server does.
func ReadClaims(definition []byte, file string) ([]*unstructured.Unstructured, error) {
	b, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		return nil, fmt.Errorf("cannot read the claim: %w", err)
	}

	f, err := claims.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("cannot read the claim: %w", err)
	}

	adm, err := admission.New(definition)
	if err != nil {
		return nil, fmt.Errorf("cannot use the claim's definition: %w", err)
	}

	var out []*unstructured.Unstructured

	for _, claim := range append(f.Others, f.Claim) {
		admitted, err := admit(adm, claim)
		if err != nil {
			return nil, err
		}

		out = append(out, admitted)
	}

	return out, nil
}

// admit refuses a claim in the API server's words, and fills in its defaults.
func admit(adm *admission.Admission, claim *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	// kubectl puts a claim that names no namespace into the current one.
	if claim.GetNamespace() == "" {
		claim.SetNamespace("default")
	}

	gvk := claim.GroupVersionKind()

	if unknown := adm.Unknown(claim); len(unknown) > 0 {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("%s in version %q cannot be handled as a %s: strict decoding error: unknown field %q",
			gvk.Kind, gvk.Version, gvk.Kind, unknown[0]))
	}

	if errs := adm.Create(claim); len(errs) > 0 {
		return nil, apierrors.NewInvalid(gvk.GroupKind(), claim.GetName(), errs)
	}

	return adm.Default(claim), nil
}

// ReadObserved reads a YAML stream of composed resources, by key.
func ReadObserved(file string) (map[string]map[string]any, error) {
	out := map[string]map[string]any{}
	if file == "" {
		return out, nil
	}

	b, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		return nil, fmt.Errorf("cannot read the observed resources: %w", err)
	}

	d := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(b), 4096)

	for i := 1; ; i++ {
		o := &unstructured.Unstructured{}
		if err := d.Decode(&o.Object); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, fmt.Errorf("cannot read observed resource %d: %w", i, err)
		}

		if len(o.Object) == 0 {
			continue
		}

		key := o.GetAnnotations()[KeyAnnotation]
		if key == "" {
			return nil, fmt.Errorf("cannot tell which resource %s %s is: it has no annotation %s", o.GetKind(), o.GetName(), KeyAnnotation)
		}

		out[key] = o.Object
	}
}
