package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// generated returns the CRD that controller-gen makes from the API's Go types.
func generated(t *testing.T) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "tool", "controller-gen", "crd", "paths=./apis/v1alpha1", "output:crd:stdout")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("cannot run controller-gen: %v", err)
	}
	return out
}

func TestDefinitionIsUpToDate(t *testing.T) {
	want, err := Convert(generated(t))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../apis/comfyuistudios/definition.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("definition.yaml is not what the Go types say: run make generate.\n-want, +got:\n%s", diff)
	}
}

func TestConvertRefuses(t *testing.T) {
	type properties = map[string]extv1.JSONSchemaProps
	set := func(s *extv1.JSONSchemaProps, name string, change func(*extv1.JSONSchemaProps)) {
		p := s.Properties[name]
		change(&p)
		s.Properties[name] = p
	}

	cases := map[string]struct {
		reason string
		change func(crd *extv1.CustomResourceDefinition, root *extv1.JSONSchemaProps)
		want   string
	}{
		"ClusterScope": {
			reason: "A studio is namespaced.",
			change: func(crd *extv1.CustomResourceDefinition, _ *extv1.JSONSchemaProps) {
				crd.Spec.Scope = extv1.ClusterScoped
			},
			want: "spec.scope is Cluster",
		},
		"Conversion": {
			reason: "A webhook would be lost.",
			change: func(crd *extv1.CustomResourceDefinition, _ *extv1.JSONSchemaProps) {
				crd.Spec.Conversion = &extv1.CustomResourceConversion{Strategy: extv1.NoneConverter}
			},
			want: "spec.conversion: not supported",
		},
		"Annotation": {
			reason: "Annotations on types would be lost.",
			change: func(crd *extv1.CustomResourceDefinition, _ *extv1.JSONSchemaProps) {
				crd.Annotations["api-approved.kubernetes.io"] = "yes"
			},
			want: "metadata.annotations[api-approved.kubernetes.io]: not supported",
		},
		"Label": {
			reason: "Labels on types would be lost.",
			change: func(crd *extv1.CustomResourceDefinition, _ *extv1.JSONSchemaProps) {
				crd.Labels = map[string]string{"a": "b"}
			},
			want: "metadata.labels: not supported",
		},
		"CompositeCategory": {
			reason: "Crossplane would add the category a second time.",
			change: func(crd *extv1.CustomResourceDefinition, _ *extv1.JSONSchemaProps) {
				crd.Spec.Names.Categories = append(crd.Spec.Names.Categories, "composite")
			},
			want: "Crossplane adds composite itself",
		},
		"ReadyColumn": {
			reason: "kubectl get would show two columns of one name.",
			change: func(crd *extv1.CustomResourceDefinition, _ *extv1.JSONSchemaProps) {
				v := &crd.Spec.Versions[0]
				v.AdditionalPrinterColumns = append(v.AdditionalPrinterColumns, extv1.CustomResourceColumnDefinition{Name: "Ready"})
			},
			want: "printer column Ready: Crossplane adds one of that name",
		},
		"SelectableFields": {
			reason: "Field selectors would not work.",
			change: func(crd *extv1.CustomResourceDefinition, _ *extv1.JSONSchemaProps) {
				crd.Spec.Versions[0].SelectableFields = []extv1.SelectableField{{JSONPath: ".spec.region"}}
			},
			want: "selectableFields: Crossplane drops them",
		},
		"ScaleSubresource": {
			reason: "This converter does not carry it over.",
			change: func(crd *extv1.CustomResourceDefinition, _ *extv1.JSONSchemaProps) {
				crd.Spec.Versions[0].Subresources.Scale = &extv1.CustomResourceSubresourceScale{}
			},
			want: "subresources.scale: not supported",
		},
		"RootProperty": {
			reason: "Only spec and status reach the CRD.",
			change: func(_ *extv1.CustomResourceDefinition, root *extv1.JSONSchemaProps) {
				root.Properties["data"] = extv1.JSONSchemaProps{Type: "object"}
			},
			want: "schema.data: Crossplane drops it",
		},
		"RootRequired": {
			reason: "Crossplane always requires spec, and nothing else.",
			change: func(_ *extv1.CustomResourceDefinition, root *extv1.JSONSchemaProps) {
				root.Required = []string{"spec", "status"}
			},
			want: "schema.required is [spec status]",
		},
		"RootAnyOf": {
			reason: "A choice at the root would be lost.",
			change: func(_ *extv1.CustomResourceDefinition, root *extv1.JSONSchemaProps) {
				root.AnyOf = []extv1.JSONSchemaProps{{Required: []string{"spec"}}}
			},
			want: "schema: Crossplane drops anyOf",
		},
		"NamePattern": {
			reason: "Of metadata.name only the length reaches the CRD.",
			change: func(_ *extv1.CustomResourceDefinition, root *extv1.JSONSchemaProps) {
				set(root, "metadata", func(s *extv1.JSONSchemaProps) {
					s.Properties = properties{"name": {Type: "string", MaxLength: new(int64(20)), Pattern: "^a"}}
				})
			},
			want: "schema.metadata.name: Crossplane drops pattern",
		},
		"MetadataLabels": {
			reason: "Of metadata only the name reaches the CRD.",
			change: func(_ *extv1.CustomResourceDefinition, root *extv1.JSONSchemaProps) {
				set(root, "metadata", func(s *extv1.JSONSchemaProps) { s.Properties = properties{"labels": {Type: "object"}} })
			},
			want: "schema.metadata.labels: Crossplane drops it",
		},
		"SpecKeywords": {
			reason: "Defaults and most limits of spec as a whole would be lost.",
			change: func(_ *extv1.CustomResourceDefinition, root *extv1.JSONSchemaProps) {
				set(root, "spec", func(s *extv1.JSONSchemaProps) {
					s.Default = &extv1.JSON{Raw: []byte("{}")}
					s.AnyOf = []extv1.JSONSchemaProps{{}}
					s.AllOf = []extv1.JSONSchemaProps{{}}
					s.Not = &extv1.JSONSchemaProps{}
					s.MinProperties = new(int64(1))
					s.AdditionalProperties = &extv1.JSONSchemaPropsOrBool{Allows: true}
				})
			},
			want: "schema.spec: Crossplane drops additionalProperties, allOf, anyOf, default, minProperties, not",
		},
		"SpecCrossplane": {
			reason: "A field of this name would be replaced.",
			change: func(_ *extv1.CustomResourceDefinition, root *extv1.JSONSchemaProps) {
				root.Properties["spec"].Properties["crossplane"] = extv1.JSONSchemaProps{Type: "object"}
			},
			want: "schema.spec.crossplane: Crossplane overwrites it",
		},
		"StatusDefault": {
			reason: "A default of status as a whole would be lost.",
			change: func(_ *extv1.CustomResourceDefinition, root *extv1.JSONSchemaProps) {
				set(root, "status", func(s *extv1.JSONSchemaProps) { s.Default = &extv1.JSON{Raw: []byte("{}")} })
			},
			want: "schema.status: Crossplane drops default",
		},
		"StatusRequiresConditions": {
			reason: "The converter leaves conditions to Crossplane.",
			change: func(_ *extv1.CustomResourceDefinition, root *extv1.JSONSchemaProps) {
				set(root, "status", func(s *extv1.JSONSchemaProps) { s.Required = []string{"conditions"} })
			},
			want: "schema.status.required: conditions are Crossplane's own",
		},
		"NoSchema": {
			reason: "Crossplane wants a schema.",
			change: func(crd *extv1.CustomResourceDefinition, _ *extv1.JSONSchemaProps) {
				crd.Spec.Versions[0].Schema = nil
			},
			want: "schema: there is none",
		},
	}
	in := generated(t)
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			crd := &extv1.CustomResourceDefinition{}
			if err := yaml.Unmarshal(in, crd); err != nil {
				t.Fatal(err)
			}
			tc.change(crd, crd.Spec.Versions[0].Schema.OpenAPIV3Schema)
			b, err := yaml.Marshal(crd)
			if err != nil {
				t.Fatal(err)
			}
			out, err := Convert(b)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s\nConvert(...): want an error with %q, got %v", tc.reason, tc.want, err)
			}
			if diff := cmp.Diff([]byte(nil), out, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s\nConvert(...) wrote a definition all the same: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestConvertRefusesUnknown(t *testing.T) {
	in := strings.Replace(string(generated(t)), "  scope: Namespaced\n", "  scope: Namespaced\n  colour: blue\n", 1)
	if _, err := Convert([]byte(in)); err == nil || !strings.Contains(err.Error(), `unknown field "colour"`) {
		t.Errorf("A field that this Kubernetes does not know would be lost.\nConvert(...): got %v", err)
	}
}
