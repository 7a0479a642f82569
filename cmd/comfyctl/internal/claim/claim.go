// Package claim asks a management cluster for a studio's claim and for the token
// that programs get in with, with the rights of a kubeconfig.
package claim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
)

// A Cluster is where claims are.
type Cluster struct {
	client rest.Interface
	// namespace is the one of the kubeconfig.
	namespace string
}

// Open reads a kubeconfig: that of the file, or the usual one, with the context
// that is named or current.
func Open(file, kubeContext string) (*Cluster, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = file
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: kubeContext})

	cfg, err := loader.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("cannot use the kubeconfig: %w", err)
	}

	namespace, _, err := loader.Namespace()
	if err != nil {
		return nil, fmt.Errorf("cannot use the kubeconfig: %w", err)
	}

	s := runtime.NewScheme()
	metav1.AddToGroupVersion(s, schema.GroupVersion{Version: "v1"})

	cfg.GroupVersion = &schema.GroupVersion{}
	cfg.APIPath = "/"
	cfg.NegotiatedSerializer = serializer.NewCodecFactory(s).WithoutConversion()
	cfg.UserAgent = "comfyctl"

	client, err := rest.UnversionedRESTClientFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("cannot use the kubeconfig: %w", err)
	}

	return &Cluster{client: client, namespace: namespace}, nil
}

// Studio reads a claim, named as namespace/name, or by its name in the namespace
// of the kubeconfig.
func (c *Cluster) Studio(ctx context.Context, name string) (*v1alpha1.ComfyUIStudio, error) {
	namespace, rest, ok := strings.Cut(name, "/")
	if !ok {
		namespace, rest = c.namespace, name
	}

	if namespace == "" || rest == "" || strings.Contains(rest, "/") {
		return nil, fmt.Errorf("%q is no studio: it must be namespace/name", name)
	}

	out := &v1alpha1.ComfyUIStudio{}
	path := "/apis/" + v1alpha1.GroupVersion.String() + "/namespaces/" + namespace + "/comfyuistudios/" + rest

	if err := c.get(ctx, path, out); err != nil {
		if apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("there is no studio %s/%s in this cluster: see kubectl get studios -A", namespace, rest)
		}

		return nil, fmt.Errorf("cannot read studio %s/%s: %w", namespace, rest, err)
	}

	return out, nil
}

// ErrNoTokens is of a studio that lets no program in.
var ErrNoTokens = errors.New("the studio lets no program in: spec.access.apiTokensSecretRef names no Secret with tokens")

// Token is one of the tokens that the studio knows programs by: the named one, or
// the first that is there in clear.
func (c *Cluster) Token(ctx context.Context, s *v1alpha1.ComfyUIStudio, name string) (string, error) {
	ref := s.Spec.Access.APITokensSecretRef
	if ref == nil {
		return "", ErrNoTokens
	}

	secret := corev1.Secret{}
	if err := c.get(ctx, "/api/v1/namespaces/"+s.GetNamespace()+"/secrets/"+ref.Name, &secret); err != nil {
		return "", fmt.Errorf("cannot read the studio's tokens in Secret %s/%s: %w", s.GetNamespace(), ref.Name, err)
	}

	for line := range strings.Lines(string(secret.Data[ref.Key])) {
		who, token, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(who, "#") || strings.HasPrefix(token, "sha256:") || (name != "" && strings.TrimSpace(who) != name) {
			continue
		}

		return strings.TrimSpace(token), nil
	}

	return "", fmt.Errorf("key %s of Secret %s/%s holds no token in clear that comfyctl could use: give one with --token", ref.Key, s.GetNamespace(), ref.Name)
}

func (c *Cluster) get(ctx context.Context, path string, out any) error {
	b, err := c.client.Get().AbsPath(path).Do(ctx).Raw()
	if err != nil {
		return err
	}

	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("cannot read the answer: %w", err)
	}

	return nil
}
