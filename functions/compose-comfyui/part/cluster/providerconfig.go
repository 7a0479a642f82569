package cluster

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// KubernetesProviderConfig is provider-kubernetes' ProviderConfig, as far as the
// studio uses it. The provider's own types would bring other versions of k8s.io,
// and provider-helm's all of Helm. The tests hold them to the real CRDs.
type KubernetesProviderConfig struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec providerConfigSpec `json:"spec"`
}

// HelmProviderConfig has the same shape under another group.
type HelmProviderConfig KubernetesProviderConfig

type providerConfigSpec struct {
	Credentials providerCredentials `json:"credentials"`
}

type providerCredentials struct {
	Source    string    `json:"source"`
	SecretRef secretKey `json:"secretRef"`
}

type secretKey struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Key       string `json:"key"`
}

// DeepCopyObject makes it a runtime.Object.
func (c *KubernetesProviderConfig) DeepCopyObject() runtime.Object {
	out := *c
	c.DeepCopyInto(&out.ObjectMeta)

	return &out
}

// DeepCopyObject makes it a runtime.Object.
func (c *HelmProviderConfig) DeepCopyObject() runtime.Object {
	out := *c
	c.DeepCopyInto(&out.ObjectMeta)

	return &out
}

func addProviderConfigs(s *runtime.Scheme) error {
	s.AddKnownTypeWithName(schema.GroupVersionKind{Group: "kubernetes.m.crossplane.io", Version: "v1alpha1", Kind: "ProviderConfig"}, &KubernetesProviderConfig{})
	s.AddKnownTypeWithName(schema.GroupVersionKind{Group: "helm.m.crossplane.io", Version: "v1beta1", Kind: "ProviderConfig"}, &HelmProviderConfig{})

	return nil
}
