package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// checkDefinition returns an error for what a CRD says outside its versions and
// a CompositeResourceDefinition has no place for.
func checkDefinition(crd *extv1.CustomResourceDefinition) error {
	var errs []error
	if crd.Spec.Scope != extv1.NamespaceScoped {
		errs = append(errs, fmt.Errorf("spec.scope is %s: a composite resource that is a claim is Namespaced", crd.Spec.Scope))
	}
	if crd.Spec.Conversion != nil {
		errs = append(errs, errors.New("spec.conversion: not supported by this converter"))
	}
	if crd.Spec.PreserveUnknownFields {
		errs = append(errs, errors.New("spec.preserveUnknownFields: Crossplane drops it"))
	}
	if len(crd.GetLabels()) > 0 {
		errs = append(errs, errors.New("metadata.labels: not supported by this converter"))
	}
	for a := range crd.GetAnnotations() {
		if a != generatorAnnotation {
			errs = append(errs, fmt.Errorf("metadata.annotations[%s]: not supported by this converter", a))
		}
	}
	if slices.Contains(crd.Spec.Names.Categories, "composite") {
		errs = append(errs, errors.New("spec.names.categories: Crossplane adds composite itself"))
	}
	return errors.Join(errs...)
}

// checkVersion returns an error for what Crossplane would drop or overwrite in a
// version. What it keeps is known from crossplane-runtime's pkg/xcrd/crd.go,
// genCrdVersion: everything below a property of spec and status is kept whole,
// but of the levels above only a few keywords are.
func checkVersion(v extv1.CustomResourceDefinitionVersion) error {
	var errs []error
	for _, c := range v.AdditionalPrinterColumns {
		if isCrossplaneColumn(c.Name) {
			errs = append(errs, fmt.Errorf("printer column %s: Crossplane adds one of that name", c.Name))
		}
	}
	if len(v.SelectableFields) > 0 {
		errs = append(errs, errors.New("selectableFields: Crossplane drops them"))
	}
	if v.Subresources != nil && v.Subresources.Scale != nil {
		errs = append(errs, errors.New("subresources.scale: not supported by this converter"))
	}
	if v.Schema == nil || v.Schema.OpenAPIV3Schema == nil {
		return errors.Join(append(errs, errors.New("schema: there is none"))...)
	}
	root := v.Schema.OpenAPIV3Schema
	errs = append(errs,
		only(root, "schema", "type", "description", "properties", "required", "x-kubernetes-validations"),
		onlyProperties(root, "schema", "apiVersion", "kind", "metadata", "spec", "status"))
	if !slices.Equal(root.Required, []string{"spec"}) {
		errs = append(errs, fmt.Errorf("schema.required is %v: Crossplane makes it [spec]", root.Required))
	}

	meta := root.Properties["metadata"]
	errs = append(errs,
		only(&meta, "schema.metadata", "type", "properties"),
		onlyProperties(&meta, "schema.metadata", "name"))
	name := meta.Properties["name"]
	errs = append(errs, only(&name, "schema.metadata.name", "type", "maxLength"))

	spec := root.Properties["spec"]
	errs = append(errs, only(&spec, "schema.spec", "type", "description", "properties", "required", "x-kubernetes-validations", "oneOf", "x-kubernetes-preserve-unknown-fields"))
	if _, ok := spec.Properties["crossplane"]; ok {
		errs = append(errs, errors.New("schema.spec.crossplane: Crossplane overwrites it"))
	}

	status := root.Properties["status"]
	errs = append(errs, only(&status, "schema.status", "type", "description", "properties", "required", "x-kubernetes-validations", "oneOf"))
	if slices.Contains(status.Required, "conditions") {
		errs = append(errs, errors.New("schema.status.required: conditions are Crossplane's own"))
	}
	return errors.Join(errs...)
}

// only returns an error if a schema uses a keyword that is not allowed. It goes
// by the schema's JSON form, so that a keyword which a later Kubernetes adds is
// refused as well.
func only(s *extv1.JSONSchemaProps, path string, allowed ...string) error {
	b, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("%s: cannot write it as JSON: %w", path, err)
	}
	keywords := map[string]json.RawMessage{}
	if err := json.Unmarshal(b, &keywords); err != nil {
		return fmt.Errorf("%s: cannot read it as JSON: %w", path, err)
	}
	var dropped []string
	for _, k := range slices.Sorted(maps.Keys(keywords)) {
		if !slices.Contains(allowed, k) {
			dropped = append(dropped, k)
		}
	}
	if len(dropped) > 0 {
		return fmt.Errorf("%s: Crossplane drops %s; say it on a property below", path, strings.Join(dropped, ", "))
	}
	return nil
}

func onlyProperties(s *extv1.JSONSchemaProps, path string, allowed ...string) error {
	for _, p := range slices.Sorted(maps.Keys(s.Properties)) {
		if !slices.Contains(allowed, p) {
			return fmt.Errorf("%s.%s: Crossplane drops it", path, p)
		}
	}
	return nil
}
