package admission

import (
	"encoding/json"
	"fmt"
	"maps"

	xpextv2 "github.com/crossplane/crossplane/apis/v2/apiextensions/v2"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"
)

// CRD returns the CustomResourceDefinition that Crossplane makes from a
// namespaced CompositeResourceDefinition. It follows ForCompositeResource of
// crossplane-runtime's pkg/xcrd at v2.4.0, which cannot be imported here: the
// function's dependencies need an older crossplane-runtime, without it.
func CRD(definition []byte) (*extv1.CustomResourceDefinition, error) {
	xrd := &xpextv2.CompositeResourceDefinition{}
	if err := yaml.UnmarshalStrict(definition, xrd); err != nil {
		return nil, fmt.Errorf("cannot parse the CompositeResourceDefinition: %w", err)
	}
	crd := &extv1.CustomResourceDefinition{Spec: extv1.CustomResourceDefinitionSpec{
		Group: xrd.Spec.Group,
		Names: xrd.Spec.Names,
		Scope: extv1.NamespaceScoped,
	}}
	crd.SetName(xrd.GetName())
	crd.Spec.Names.Categories = append(crd.Spec.Names.Categories, "composite")
	for _, v := range xrd.Spec.Versions {
		crdv, err := crdVersion(v)
		if err != nil {
			return nil, fmt.Errorf("cannot make version %s: %w", v.Name, err)
		}
		crd.Spec.Versions = append(crd.Spec.Versions, crdv)
	}
	return crd, nil
}

func crdVersion(v xpextv2.CompositeResourceDefinitionVersion) (extv1.CustomResourceDefinitionVersion, error) {
	s := &extv1.JSONSchemaProps{}
	if err := json.Unmarshal(v.Schema.OpenAPIV3Schema.Raw, s); err != nil {
		return extv1.CustomResourceDefinitionVersion{}, fmt.Errorf("cannot parse its schema: %w", err)
	}
	xSpec, xStatus := s.Properties["spec"], s.Properties["status"]
	spec := extv1.JSONSchemaProps{
		Type:                   "object",
		Description:            xSpec.Description,
		Required:               xSpec.Required,
		XPreserveUnknownFields: xSpec.XPreserveUnknownFields,
		XValidations:           xSpec.XValidations,
		OneOf:                  xSpec.OneOf,
		Properties:             map[string]extv1.JSONSchemaProps{},
	}
	maps.Copy(spec.Properties, xSpec.Properties)
	spec.Properties["crossplane"] = crossplaneProps()

	status := extv1.JSONSchemaProps{
		Type:         "object",
		Description:  xStatus.Description,
		Required:     xStatus.Required,
		XValidations: xStatus.XValidations,
		OneOf:        xStatus.OneOf,
		Properties:   map[string]extv1.JSONSchemaProps{},
	}
	maps.Copy(status.Properties, xStatus.Properties)
	status.Properties["conditions"] = conditionsProps()

	return extv1.CustomResourceDefinitionVersion{
		Name:                     v.Name,
		Served:                   v.Served,
		Storage:                  v.Referenceable,
		AdditionalPrinterColumns: append(v.AdditionalPrinterColumns, crossplaneColumns()...),
		Subresources:             &extv1.CustomResourceSubresources{Status: &extv1.CustomResourceSubresourceStatus{}},
		Schema: &extv1.CustomResourceValidation{OpenAPIV3Schema: &extv1.JSONSchemaProps{
			Type:         "object",
			Description:  s.Description,
			Required:     []string{"spec"},
			XValidations: s.XValidations,
			Properties: map[string]extv1.JSONSchemaProps{
				"apiVersion": {Type: "string"},
				"kind":       {Type: "string"},
				"metadata": {Type: "object", Properties: map[string]extv1.JSONSchemaProps{
					"name": {Type: "string", MaxLength: ptr.To[int64](63)},
				}},
				"spec":   spec,
				"status": status,
			},
		}},
	}, nil
}

func object(required []string, props map[string]extv1.JSONSchemaProps) extv1.JSONSchemaProps {
	return extv1.JSONSchemaProps{Type: "object", Required: required, Properties: props}
}

func list(items extv1.JSONSchemaProps) extv1.JSONSchemaProps {
	return extv1.JSONSchemaProps{Type: "array", Items: &extv1.JSONSchemaPropsOrArray{Schema: &items}}
}

func crossplaneProps() extv1.JSONSchemaProps {
	text := extv1.JSONSchemaProps{Type: "string"}
	name := object([]string{"name"}, map[string]extv1.JSONSchemaProps{"name": text})
	selector := object([]string{"matchLabels"}, map[string]extv1.JSONSchemaProps{
		"matchLabels": {Type: "object", AdditionalProperties: &extv1.JSONSchemaPropsOrBool{Allows: true, Schema: &text}},
	})
	refs := list(object([]string{"apiVersion", "kind"}, map[string]extv1.JSONSchemaProps{
		"apiVersion": text, "kind": text, "name": text,
	}))
	refs.XListType = ptr.To("atomic")
	policy := extv1.JSONSchemaProps{Type: "string", Enum: []extv1.JSON{{Raw: []byte(`"Automatic"`)}, {Raw: []byte(`"Manual"`)}}}
	props := object(nil, map[string]extv1.JSONSchemaProps{
		"compositionRef":              name,
		"compositionSelector":         selector,
		"compositionRevisionRef":      name,
		"compositionRevisionSelector": selector,
		"compositionUpdatePolicy":     policy,
		"resourceRefs":                refs,
	})
	props.Description = "Configures how Crossplane will reconcile this composite resource"
	return props
}

func conditionsProps() extv1.JSONSchemaProps {
	text := extv1.JSONSchemaProps{Type: "string"}
	conditions := list(object([]string{"lastTransitionTime", "reason", "status", "type"}, map[string]extv1.JSONSchemaProps{
		"lastTransitionTime": {Type: "string", Format: "date-time"},
		"message":            text,
		"reason":             text,
		"status":             text,
		"type":               text,
		"observedGeneration": {Type: "integer", Format: "int64"},
	}))
	conditions.Description = "Conditions of the resource."
	conditions.XListType = ptr.To("map")
	conditions.XListMapKeys = []string{"type"}
	return conditions
}

func crossplaneColumns() []extv1.CustomResourceColumnDefinition {
	return []extv1.CustomResourceColumnDefinition{
		{Name: "SYNCED", Type: "string", JSONPath: ".status.conditions[?(@.type=='Synced')].status"},
		{Name: "READY", Type: "string", JSONPath: ".status.conditions[?(@.type=='Ready')].status"},
		{Name: "COMPOSITION", Type: "string", JSONPath: ".spec.crossplane.compositionRef.name"},
		{Name: "COMPOSITIONREVISION", Type: "string", JSONPath: ".spec.crossplane.compositionRevisionRef.name", Priority: 1},
		{Name: "AGE", Type: "date", JSONPath: ".metadata.creationTimestamp"},
	}
}
