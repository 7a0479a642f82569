package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// What the API server calls this API.
const (
	Group   = "aws.comfyui-studio.io"
	Version = "v1alpha1"
	Kind    = "ComfyUIStudio"
)

// GroupVersion and GroupVersionKind identify a ComfyUIStudio.
var (
	GroupVersion     = schema.GroupVersion{Group: Group, Version: Version} //nolint:gochecknoglobals // A constant, as far as Go has one.
	GroupVersionKind = GroupVersion.WithKind(Kind)                         //nolint:gochecknoglobals // As above.
)

// AddToScheme adds the types of this package to a scheme.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion, &ComfyUIStudio{}, &ComfyUIStudioList{})
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}
