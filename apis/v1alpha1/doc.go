// Package v1alpha1 is the API of ComfyUI Studio: one kind, ComfyUIStudio, that
// stands for one studio in one AWS region.
//
// These types are the source of the CompositeResourceDefinition in
// apis/comfyuistudios/definition.yaml and of the field reference in
// docs/reference/comfyuistudio.md; both are generated from them and from their
// comments, so a comment here is what a user reads in kubectl explain.
//
// Three rules keep the contract whole. Every default is a marker, so that the
// API server fills it in and kubectl shows it. Every string, list and map has a
// bound, or the validation rules exceed the cost that an API server allows and
// it refuses the whole definition. Whatever the schema can refuse is refused
// there, with one sentence that names the field and the remedy.
//
// +kubebuilder:object:generate=true
// +groupName=aws.comfyui-studio.io
package v1alpha1
