package admission

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"

	xpextv2 "github.com/crossplane/crossplane/apis/v2/apiextensions/v2"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

//go:embed crossplane.yaml
var crossplane []byte

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
		crdv, err := version(v)
		if err != nil {
			return nil, fmt.Errorf("cannot make version %s: %w", v.Name, err)
		}
		crd.Spec.Versions = append(crd.Spec.Versions, *crdv)
	}
	return crd, nil
}

func version(v xpextv2.CompositeResourceDefinitionVersion) (*extv1.CustomResourceDefinitionVersion, error) {
	crdv := &extv1.CustomResourceDefinitionVersion{}
	if err := yaml.UnmarshalStrict(crossplane, crdv); err != nil {
		return nil, fmt.Errorf("cannot parse what Crossplane adds: %w", err)
	}
	x := &extv1.JSONSchemaProps{}
	if err := json.Unmarshal(v.Schema.OpenAPIV3Schema.Raw, x); err != nil {
		return nil, fmt.Errorf("cannot parse its schema: %w", err)
	}
	crdv.Name = v.Name
	crdv.Served = v.Served
	crdv.Storage = v.Referenceable
	crdv.AdditionalPrinterColumns = append(v.AdditionalPrinterColumns, crdv.AdditionalPrinterColumns...)

	root := crdv.Schema.OpenAPIV3Schema
	root.Description = x.Description
	root.XValidations = x.XValidations
	for _, name := range []string{"spec", "status"} {
		root.Properties[name] = merge(root.Properties[name], x.Properties[name])
	}
	return crdv, nil
}

// merge puts into a schema what Crossplane keeps of a definition's. Where both
// have a property, Crossplane's own stays.
func merge(own, x extv1.JSONSchemaProps) extv1.JSONSchemaProps {
	own.Description = x.Description
	own.Required = x.Required
	own.XPreserveUnknownFields = x.XPreserveUnknownFields
	own.XValidations = x.XValidations
	own.OneOf = x.OneOf
	props := maps.Clone(x.Properties)
	if props == nil {
		props = map[string]extv1.JSONSchemaProps{}
	}
	maps.Copy(props, own.Properties)
	own.Properties = props
	return own
}
