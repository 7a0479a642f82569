package v1alpha1_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/randfill"

	"github.com/comfyui-studio/comfyui-studio/apis/admission"
	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
)

// visit calls fn for a schema and all that is below it. What Crossplane adds has
// no documentation of ours and is left out.
func visit(path string, s extv1.JSONSchemaProps, fn func(path string, s extv1.JSONSchemaProps)) {
	if path == ".spec.crossplane" || path == ".status.conditions" || path == ".metadata" {
		return
	}
	fn(path, s)
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		visit(path+"."+name, s.Properties[name], fn)
	}
	if s.Items != nil {
		visit(path+"[]", *s.Items.Schema, fn)
	}
	if s.AdditionalProperties != nil {
		visit(path+"{}", *s.AdditionalProperties.Schema, fn)
	}
}

func rootSchema(t *testing.T) extv1.JSONSchemaProps {
	t.Helper()
	b, err := os.ReadFile("../comfyuistudios/definition.yaml")
	if err != nil {
		t.Fatal(err)
	}
	crd, err := admission.CRD(b)
	if err != nil {
		t.Fatal(err)
	}
	root := *crd.Spec.Versions[0].Schema.OpenAPIV3Schema
	delete(root.Properties, "apiVersion")
	delete(root.Properties, "kind")
	return root
}

func TestEveryFieldIsDescribed(t *testing.T) {
	visit("", rootSchema(t), func(path string, s extv1.JSONSchemaProps) {
		if s.Description == "" && !strings.HasSuffix(path, "[]") {
			t.Errorf("%s has no description", path)
		}
	})
}

func TestEveryFieldIsBounded(t *testing.T) {
	visit("", rootSchema(t), func(path string, s extv1.JSONSchemaProps) {
		switch {
		case s.Type == "string" && s.MaxLength == nil && len(s.Enum) == 0:
			t.Errorf("%s is a string with no maxLength", path)
		case s.Type == "array" && s.MaxItems == nil:
			t.Errorf("%s is a list with no maxItems", path)
		case s.Type == "array" && s.XListType == nil:
			t.Errorf("%s is a list with no list type", path)
		case s.AdditionalProperties != nil && s.MaxProperties == nil:
			t.Errorf("%s is a map with no maxProperties", path)
		}
	})
}

// TestDefaultsAgree holds an object's default against those of its fields: where
// both are written, a user who gives a part of the object and one who gives
// nothing must end up with the same values.
func TestDefaultsAgree(t *testing.T) {
	visit("", rootSchema(t), func(path string, s extv1.JSONSchemaProps) {
		if s.Default == nil {
			return
		}
		var def any
		if err := json.Unmarshal(s.Default.Raw, &def); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		agree(t, path, s, def)
	})
}

func agree(t *testing.T, path string, s extv1.JSONSchemaProps, def any) {
	t.Helper()
	switch v := def.(type) {
	case []any:
		for _, item := range v {
			agree(t, path+"[]", *s.Items.Schema, item)
		}
	case map[string]any:
		for name, got := range v {
			field := s.Properties[name]
			agree(t, path+"."+name, field, got)
			if field.Default == nil {
				continue
			}
			var want any
			if err := json.Unmarshal(field.Default.Raw, &want); err != nil {
				t.Fatalf("%s.%s: %v", path, name, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s.%s has another default than its object: -field, +object:\n%s", path, name, diff)
			}
		}
	}
}

// TestEveryRuleHasACase keeps rules and cases together: a rule that nothing is
// refused by is a promise that nobody has seen kept.
func TestEveryRuleHasACase(t *testing.T) {
	var seen []string
	for _, f := range readClaims(t, "testdata/refused") {
		seen = append(seen, f.Refused...)
	}
	seen = append(seen, skippedMinor) // TestSkippedMinor.
	all := strings.Join(seen, "\n")
	visit("", rootSchema(t), func(path string, s extv1.JSONSchemaProps) {
		for _, rule := range s.XValidations {
			if !strings.Contains(all, rule.Message) {
				t.Errorf("no case is refused by the rule of %s: %s", path, rule.Message)
			}
			field := strings.TrimRight(strings.TrimPrefix(path, "."), "[]{}")
			if path != "" && !strings.HasPrefix(rule.Message, field) {
				t.Errorf("the message of a rule of %s does not begin with the field's path: %s", field, rule.Message)
			}
			if !strings.Contains(rule.Message, ": ") {
				t.Errorf("the message of a rule of %s does not say what to do: %s", field, rule.Message)
			}
		}
		if len(s.Enum) > 0 && strings.HasPrefix(path, ".spec") && !strings.Contains(all, unsupported(s)) {
			t.Errorf("no case is refused by the enum of %s", path)
		}
	})
}

// unsupported returns how an API server ends its refusal of a value that an enum
// does not hold.
func unsupported(s extv1.JSONSchemaProps) string {
	values := make([]string, len(s.Enum))
	for i, v := range s.Enum {
		values[i] = string(v.Raw)
	}
	return "supported values: " + strings.Join(values, ", ")
}

// TestGoTypesMatchSchema fills every field of the Go types at random, and holds
// what they write against the schema.
func TestGoTypesMatchSchema(t *testing.T) {
	a := newAdmission(t)
	fill := randfill.NewWithSeed(1).NilChance(0).NumElements(1, 2)
	for range 20 {
		studio := &v1alpha1.ComfyUIStudio{}
		fill.Fill(&studio.Spec)
		fill.Fill(&studio.Status)
		studio.Status.Conditions = nil // Crossplane's own.

		obj, err := runtime.DefaultUnstructuredConverter.ToUnstructured(studio)
		if err != nil {
			t.Fatal(err)
		}
		u := &unstructured.Unstructured{Object: obj}
		u.SetGroupVersionKind(v1alpha1.GroupVersionKind)
		if diff := cmp.Diff([]string(nil), a.Unknown(u), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("The schema knows every field that the Go types write.\nUnknown(...): -want, +got:\n%s", diff)
		}
	}
}

// TestClaimsRoundTrip reads every claim that is accepted into the Go types,
// strictly, and writes it again.
func TestClaimsRoundTrip(t *testing.T) {
	a := newAdmission(t)
	for _, dir := range []string{"testdata/accepted", "../../examples"} {
		for _, f := range readClaims(t, dir) {
			t.Run(f.Name, func(t *testing.T) {
				want := a.Default(f.Claim)
				b, err := want.MarshalJSON()
				if err != nil {
					t.Fatal(err)
				}
				studio := &v1alpha1.ComfyUIStudio{}
				dec := json.NewDecoder(bytes.NewReader(b))
				dec.DisallowUnknownFields()
				if err := dec.Decode(studio); err != nil {
					t.Fatalf("The Go types know every field of the schema: %v", err)
				}
				got, err := runtime.DefaultUnstructuredConverter.ToUnstructured(studio)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want.Object["spec"], got["spec"], cmp.FilterPath(isDuration, cmp.Ignore())); diff != "" {
					t.Errorf("A claim is the same after it was read and written.\nspec: -want, +got:\n%s", diff)
				}
			})
		}
	}
}

// isDuration tells whether a path leads to the one duration, which Go writes in
// its own form: 90m becomes 1h30m0s.
func isDuration(p cmp.Path) bool {
	key, ok := p.Last().(cmp.MapIndex)
	return ok && key.Key().String() == "afterIdle"
}
