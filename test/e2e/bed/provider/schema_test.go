package provider

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// A crdSchema is one CRD's.
type crdSchema struct {
	crd        *v1.CustomResourceDefinition
	structural *structuralschema.Structural
	validator  validation.SchemaValidator
}

// crds is where provider-aws's module keeps its CRDs.
var crds = sync.OnceValues(func() (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", "github.com/upbound/provider-aws/v2")
	cmd.Dir = "../../../.."
	out, err := cmd.Output()
	m := struct {
		Dir string `json:"Dir"`
	}{}
	if err == nil {
		err = json.Unmarshal(out, &m)
	}
	return filepath.Join(m.Dir, "package", "crds"), err
})

var schemas = sync.OnceValues(func() (map[string]crdSchema, error) {
	dir, err := crds()
	if err != nil {
		return nil, err
	}
	out := map[string]crdSchema{}
	for _, k := range kinds() {
		s, err := loadSchema(filepath.Join(dir, k.Group()+"_"+k.plural+".yaml"))
		if err != nil {
			return nil, err
		}
		out[k.Group()+"/"+k.Name] = s
	}
	return out, nil
})

func loadSchema(file string) (crdSchema, error) {
	s := crdSchema{crd: &v1.CustomResourceDefinition{}}
	data, err := os.ReadFile(file)
	if err == nil {
		err = yaml.Unmarshal(data, s.crd)
	}
	if err != nil {
		return s, fmt.Errorf("cannot read %s: %w", file, err)
	}
	internal := &apiextensions.JSONSchemaProps{}
	if err := v1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(s.crd.Spec.Versions[0].Schema.OpenAPIV3Schema, internal, nil); err != nil {
		return s, err
	}
	if s.structural, err = structuralschema.NewStructural(internal); err != nil {
		return s, err
	}
	s.validator, _, err = validation.NewSchemaValidator(internal)
	return s, err
}

// validate refuses an object that its CRD's schema refuses, and one with a
// field that the API server would drop.
func validate(u *unstructured.Unstructured) error {
	all, err := schemas()
	if err != nil {
		return err
	}
	s, ok := all[u.GroupVersionKind().Group+"/"+u.GetKind()]
	if !ok {
		return nil
	}
	if errs := validation.ValidateCustomResource(nil, u.Object, s.validator); len(errs) > 0 {
		return errs.ToAggregate()
	}
	unknown := pruning.PruneWithOptions(runtime.DeepCopyJSON(u.Object), s.structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	if len(unknown) > 0 {
		return fmt.Errorf("%s has fields that no schema knows: %v", u.GetKind(), unknown)
	}
	return nil
}

func TestKindsAgreeWithCRDs(t *testing.T) {
	all, err := schemas()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range kinds() {
		s := all[k.Group()+"/"+k.Name]
		if got := s.crd.Spec.Names; got.Kind != k.Name || got.Plural != k.plural {
			t.Errorf("%s: CRD says kind %s, plural %s", k, got.Kind, got.Plural)
		}
		if got := s.crd.Spec.Versions[0].Name; got != version {
			t.Errorf("%s: CRD says version %s", k, got)
		}
		for _, r := range k.refs {
			at := s.structural.Properties["spec"].Properties["forProvider"]
			path := r.refPath()
			if r.refs != "" {
				path = r.refs
			}
			if !knows(at, path) || !knows(at, r.field) {
				t.Errorf("%s: no fields %s and %s in the CRD", k, r.field, path)
			}
		}
		for _, path := range append(append([]string{}, k.late...), k.fixed...) {
			for field, arg := range k.secrets {
				if path == arg {
					path = field
				}
			}
			if !knows(s.structural.Properties["spec"].Properties["forProvider"], path) {
				t.Errorf("%s: no field %s in the CRD", k, path)
			}
		}
		_, tagged := s.structural.Properties["spec"].Properties["forProvider"].Properties["tags"]
		if tagged == k.untagged {
			t.Errorf("%s: CRD has tags: %v", k, tagged)
		}
	}
}

// knows tells whether a schema has a field.
func knows(s structuralschema.Structural, path string) bool {
	for part := range strings.SplitSeq(path, ".") {
		name, list := strings.CutSuffix(part, "[]")
		next, ok := s.Properties[name]
		if !ok {
			return false
		}
		s = next
		if list {
			s = *s.Items
		}
	}
	return true
}
