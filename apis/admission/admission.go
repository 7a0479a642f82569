// Package admission does to a claim what a Kubernetes API server does when the
// claim is applied, from the CompositeResourceDefinition alone and without a
// server: it drops or reports unknown fields, fills in defaults, and refuses what
// the schema and its rules refuse, in the API server's own words.
//
// It uses the API server's packages in the order of its own strategy
// (k8s.io/apiextensions-apiserver, pkg/registry/customresource), so what it
// accepts and refuses is what a cluster does. What a cluster knows beyond the
// definition, such as names in use, quotas and webhooks, it does not know.
//
// Tests and command lines use it. The function does not: by the time it runs,
// the API server has done all this.
package admission

import (
	"context"
	"fmt"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/model"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/common"
)

// Admission admits claims of one kind.
type Admission struct {
	schema    *schema.Structural
	validator validation.SchemaValidator
	rules     *cel.Validator
}

// New returns the Admission of a CompositeResourceDefinition's only version. It
// fails if an API server would refuse the definition: a schema that is not
// structural, a default that its own schema refuses, a rule that does not compile
// or whose cost has no bound.
func New(definition []byte) (*Admission, error) {
	crd, err := CRD(definition)
	if err != nil {
		return nil, err
	}
	return ForCRD(crd)
}

// ForCRD returns the Admission of a CustomResourceDefinition's only version.
func ForCRD(crd *extv1.CustomResourceDefinition) (*Admission, error) {
	if n := len(crd.Spec.Versions); n != 1 {
		return nil, fmt.Errorf("cannot choose among %d versions", n)
	}
	internal := &apiextensions.CustomResourceDefinition{}
	extv1.SetDefaults_CustomResourceDefinition(crd)
	extv1.SetDefaults_CustomResourceDefinitionSpec(&crd.Spec)
	if err := extv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(crd, internal, nil); err != nil {
		return nil, fmt.Errorf("cannot convert the CustomResourceDefinition: %w", err)
	}
	// An API server stores the version that status names; Crossplane leaves that
	// to the API server.
	internal.Status.StoredVersions = []string{crd.Spec.Versions[0].Name}
	if errs := crdvalidation.ValidateCustomResourceDefinition(context.Background(), internal); len(errs) > 0 {
		return nil, fmt.Errorf("an API server would refuse the CustomResourceDefinition: %w", errs.ToAggregate())
	}

	// With one version, the conversion moves its schema to the top.
	props := internal.Spec.Validation.OpenAPIV3Schema
	structural, err := schema.NewStructural(props)
	if err != nil {
		return nil, fmt.Errorf("cannot make the schema structural: %w", err)
	}
	validator, _, err := validation.NewSchemaValidator(props)
	if err != nil {
		return nil, fmt.Errorf("cannot make a validator: %w", err)
	}
	return &Admission{
		schema:    structural,
		validator: validator,
		rules:     cel.NewValidator(structural, true, celconfig.PerCallLimit),
	}, nil
}

// Unknown returns the paths of the fields that the schema does not know. kubectl
// refuses a claim that has any; other clients' unknown fields are dropped.
func (a *Admission) Unknown(claim *unstructured.Unstructured) []string {
	return pruning.PruneWithOptions(runtime.DeepCopyJSON(claim.Object), a.schema, true,
		schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
}

// Default returns a copy of the claim with every default filled in.
func (a *Admission) Default(claim *unstructured.Unstructured) *unstructured.Unstructured {
	out := claim.DeepCopy()
	defaulting.PruneNonNullableNullsWithoutDefaults(out.Object, a.schema)
	defaulting.Default(out.Object, a.schema)
	return out
}

// Create returns why an API server would refuse to create the claim. Defaults
// are filled in before, as a server does.
func (a *Admission) Create(claim *unstructured.Unstructured) field.ErrorList {
	claim = a.Default(claim)
	errs := apivalidation.ValidateObjectMetaAccessor(claim, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	errs = append(errs, validation.ValidateCustomResource(nil, claim.Object, a.validator)...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, a.schema, claim.Object)...)
	if blocks(errs) {
		return append(errs, unchecked())
	}
	failed, _ := a.rules.Validate(context.Background(), nil, a.schema, claim.Object, nil, celconfig.RuntimeCELCostBudget)
	return append(errs, failed...)
}

// Update returns why an API server would refuse to replace the old claim by the
// new one. The old claim is not validated: it may have been accepted by an
// earlier definition, and what it holds unchanged is not refused now.
func (a *Admission) Update(claim, old *unstructured.Unstructured) field.ErrorList {
	claim, old = a.Default(claim), a.Default(old)
	correlated := common.NewCorrelatedObject(claim.Object, old.Object, &model.Structural{Structural: a.schema})
	errs := validation.ValidateCustomResourceUpdate(nil, claim.Object, old.Object, a.validator, validation.WithRatcheting(correlated))
	if len(listtype.ValidateListSetsAndMaps(nil, a.schema, old.Object)) == 0 {
		errs = append(errs, listtype.ValidateListSetsAndMaps(nil, a.schema, claim.Object)...)
	}
	if blocks(errs) {
		return append(errs, unchecked())
	}
	failed, _ := a.rules.Validate(context.Background(), nil, a.schema, claim.Object, old.Object, celconfig.RuntimeCELCostBudget, cel.WithRatcheting(correlated))
	return append(errs, failed...)
}

// blocks tells whether errors keep the rules from running, as an API server's
// strategy does: a rule may fail on a value of the wrong shape and say nothing
// that helps.
func blocks(errs field.ErrorList) bool {
	for _, err := range errs {
		switch err.Type { //nolint:exhaustive // The others leave every value in the shape that rules expect.
		case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
			return true
		}
	}
	return false
}

// unchecked is what an API server adds to errors that keep the rules from
// running.
func unchecked() *field.Error {
	return field.Invalid(nil, nil, "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation")
}
