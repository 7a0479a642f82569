package objects

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// Labels of a ProviderConfigUsage.
const (
	labelConfigName = "crossplane.io/provider-config"
	labelConfigKind = "crossplane.io/provider-config-kind"
)

const (
	configSuffix     = "Config"
	configKind       = "ProviderConfig"
	finalizerInUse   = "in-use.crossplane.io"
	errCannotConnect = "cannot build kube client for provider config: cannot get REST config for provider: "
)

// configOf is the queue's name for the ProviderConfigs behind a kind.
func configOf(kind string) string { return kind + configSuffix }

// connect is the providers' Connect: it notes that the ProviderConfig is in
// use, and follows it to the Secret, the kubeconfig and the cluster.
func (r *run) connect(ctx context.Context) (*cluster, error) {
	refKind, _, _ := unstructured.NestedString(r.u.Object, "spec", "providerConfigRef", "kind")
	name, _, _ := unstructured.NestedString(r.u.Object, "spec", "providerConfigRef", "name")

	if refKind != configKind {
		return nil, fmt.Errorf("the double plays ProviderConfig only, not %q", refKind)
	}

	if err := r.use(ctx, name); err != nil {
		return nil, fmt.Errorf("cannot track ProviderConfig usage: %w", err)
	}

	config, err := r.client.Resource(r.kind.config).Namespace(r.key.namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("cannot get provider config: %w", err)
	}

	kubeconfig, err := r.credentials(ctx, config)
	if err != nil {
		return nil, fmt.Errorf(errCannotConnect+"cannot get credentials: %w", err)
	}

	return r.dial(kubeconfig)
}

func (r *run) credentials(ctx context.Context, config *unstructured.Unstructured) ([]byte, error) {
	ref, _, _ := unstructured.NestedStringMap(config.Object, "spec", "credentials", "secretRef")
	secrets := r.client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "secrets"})

	s, err := secrets.Namespace(ref["namespace"]).Get(ctx, ref["name"], metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("cannot get credentials secret: %w", err)
	}

	data, _, _ := unstructured.NestedString(s.Object, "data", ref["key"])

	out, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return nil, fmt.Errorf("cannot decode credentials: %w", err)
	}

	return out, nil
}

// dial finds the cluster that a kubeconfig leads to. Its endpoint is there as
// long as the EKS cluster is.
func (r *run) dial(kubeconfig []byte) (*cluster, error) {
	cfg, err := clientcmd.Load(kubeconfig)
	if err != nil {
		return nil, fmt.Errorf(errCannotConnect+"failed to load kubeconfig: %w", err)
	}

	at, ok := cfg.Contexts[cfg.CurrentContext]
	if !ok {
		return nil, errors.New(errCannotConnect + "cannot create new REST config using provider secret: currentContext not set in kubeconfig")
	}

	server := cfg.Clusters[at.Cluster].Server
	host := strings.TrimPrefix(server, "https://")
	labels := strings.Split(host, ".") // <id>.gr7.<region>.eks.amazonaws.com

	if len(labels) < 3 {
		return nil, fmt.Errorf("dial tcp: lookup %s: no such host", host)
	}

	eks, err := r.aws.Visit(cloud.Call{
		Kind: cloud.Kind{Service: "eks", Name: "Cluster"}, ID: at.Cluster, Args: cloud.Values{"region": labels[2]},
	})
	if err != nil || eks.Attrs.String("endpoint") != server {
		return nil, fmt.Errorf("dial tcp: lookup %s: no such host", host)
	}

	return r.cluster(server, at.Cluster, labels[2]), nil
}

func (d *Double) cluster(endpoint, name, region string) *cluster {
	d.mu.Lock()
	defer d.mu.Unlock()

	c := d.clusters[endpoint]
	if c == nil {
		c = newCluster(d.aws, name, region)
		d.clusters[endpoint] = c
	}

	return c
}

// use makes the ProviderConfigUsage that keeps the ProviderConfig.
func (r *run) use(ctx context.Context, config string) error {
	usage := &unstructured.Unstructured{Object: map[string]any{
		"providerConfigRef": map[string]any{"kind": configKind, "name": config},
		"resourceRef":       map[string]any{"apiVersion": r.u.GetAPIVersion(), "kind": r.u.GetKind(), "name": r.u.GetName()},
	}}
	usage.SetGroupVersionKind(r.kind.usage.GroupVersion().WithKind("ProviderConfigUsage"))
	usage.SetNamespace(r.key.namespace)
	usage.SetName(string(r.u.GetUID()))
	usage.SetLabels(map[string]string{labelConfigName: config, labelConfigKind: configKind})
	usage.SetOwnerReferences([]metav1.OwnerReference{{
		APIVersion: r.u.GetAPIVersion(), Kind: r.u.GetKind(), Name: r.u.GetName(), UID: r.u.GetUID(),
		Controller: new(true), BlockOwnerDeletion: new(true),
	}})

	_, err := r.client.Resource(r.kind.usage).Namespace(r.key.namespace).Create(ctx, usage, metav1.CreateOptions{FieldManager: fieldManager})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}

	return err
}

// reconcileConfig is crossplane-runtime's reconciler of ProviderConfigs: one
// that is in use does not go.
func (d *Double) reconcileConfig(ctx context.Context, k key) error {
	served := kinds()[0]

	for _, s := range kinds() {
		if configOf(s.kind) == k.kind {
			served = s
		}
	}

	configs := d.client.Resource(served.config).Namespace(k.namespace)

	u, err := configs.Get(ctx, k.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}

	if err != nil {
		return fmt.Errorf("cannot get the provider config: %w", err)
	}

	// In all namespaces, as the real one does: it forgets to say which.
	usages, err := d.client.Resource(served.usage).List(ctx, metav1.ListOptions{
		LabelSelector: labelConfigName + "=" + k.name + "," + labelConfigKind + "=" + configKind,
	})
	if err != nil {
		return fmt.Errorf("cannot list the usages of the provider config: %w", err)
	}

	before := u.DeepCopy()

	switch {
	case u.GetDeletionTimestamp() == nil:
		u.SetFinalizers([]string{finalizerInUse})
	case len(usages.Items) == 0:
		u.SetFinalizers(nil)
	}

	if equality.Semantic.DeepEqual(before.GetFinalizers(), u.GetFinalizers()) {
		return nil
	}

	if _, err = configs.Update(ctx, u, metav1.UpdateOptions{FieldManager: fieldManager}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("cannot update the provider config: %w", err)
	}

	return nil
}
