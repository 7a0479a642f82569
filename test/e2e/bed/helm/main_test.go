package helm_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/helm"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/leash"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/workload/clustertest"
)

var (
	clusters   *clustertest.Clusters
	management dynamic.Interface
	// gate is the workload cluster's endpoint: it knows one token.
	gate  *httptest.Server
	token atomic.Value
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}

	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	ctx := context.Background()

	var err error
	if clusters, err = clustertest.Start(ctx); err != nil {
		return 1, err
	}
	defer clusters.Stop()

	management = dynamic.NewForConfigOrDie(clusters.Management.Config)

	if err := prepare(ctx); err != nil {
		return 1, err
	}

	if gate, err = endpoint(); err != nil {
		return 1, err
	}
	defer gate.Close()

	p, err := provider()
	if err != nil {
		return 1, err
	}
	defer p.Kill()

	return m.Run(), nil
}

// prepare installs the provider's CRDs and makes the studio's namespace.
func prepare(ctx context.Context) error {
	dir, err := helm.ModuleDir(ctx, "github.com/crossplane-contrib/provider-helm@v1.3.0")
	if err != nil {
		return err
	}

	files, err := filepath.Glob(filepath.Join(dir, "package", "crds", "*.yaml"))
	if err != nil {
		return err
	}

	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			return err
		}

		if err := apply(ctx, string(data)); err != nil {
			return err
		}
	}

	return clustertest.Eventually(ctx, "provider-helm's kinds", func(ctx context.Context) error {
		return apply(ctx, "apiVersion: v1\nkind: Namespace\nmetadata: {name: art}", providerConfig)
	})
}

const providerConfig = `
apiVersion: helm.m.crossplane.io/v1beta1
kind: ProviderConfig
metadata: {name: studio, namespace: art}
spec: {credentials: {source: Secret, secretRef: {namespace: art, name: kubeconfig, key: kubeconfig}}}`

func provider() (*leash.Process, error) {
	binary := clustertest.Bin("provider-helm")
	if err := helm.FillCache(context.Background(), helm.CacheDir(binary)); err != nil {
		return nil, err
	}

	log, err := os.Create(filepath.Join(clusters.Dir, "helm.log"))
	if err != nil {
		return nil, err
	}

	return helm.Start(helm.Options{Binary: binary, Kubeconfig: clusters.Management.Kubeconfig, Scale: 60, Output: log})
}

// endpoint forwards to the workload cluster who has the token of the day.
func endpoint() (*httptest.Server, error) {
	transport, err := rest.TransportFor(clusters.Workload.Config)
	if err != nil {
		return nil, err
	}

	to, err := url.Parse(clusters.Workload.Config.Host)
	if err != nil {
		return nil, err
	}

	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Header.Del("Authorization")
	}}

	return httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token.Load().(string) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}`)

			return
		}

		proxy.ServeHTTP(w, r)
	})), nil
}

// login writes a kubeconfig with a token, and lets that in which is valid.
func login(t *testing.T, written, valid string) {
	t.Helper()
	token.Store(valid)

	kc := fmt.Sprintf("apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: %q, insecure-skip-tls-verify: true}}]\nusers: [{name: u, user: {token: %q}}]\ncontexts: [{name: c, context: {cluster: c, user: u}}]\ncurrent-context: c\n", gate.URL, written)

	secret, err := yaml.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "kubeconfig", "namespace": "art"}, "stringData": map[string]any{"kubeconfig": kc},
	})
	if err != nil {
		t.Fatal(err)
	}

	if err := apply(t.Context(), string(secret)); err != nil {
		t.Fatal(err)
	}
}

func gvr(u *unstructured.Unstructured) schema.GroupVersionResource {
	r, _ := meta.UnsafeGuessKindToResource(u.GroupVersionKind())
	return r
}

// apply creates or changes objects on the management cluster.
func apply(ctx context.Context, manifests ...string) error {
	for _, m := range manifests {
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(m), &u.Object); err != nil {
			return err
		}

		var r dynamic.ResourceInterface = management.Resource(gvr(u))
		if u.GetNamespace() != "" {
			r = management.Resource(gvr(u)).Namespace(u.GetNamespace())
		}

		if _, err := r.Apply(ctx, u.GetName(), u, metav1.ApplyOptions{FieldManager: "test", Force: true}); err != nil {
			return fmt.Errorf("%s %s: %w", u.GetKind(), u.GetName(), err)
		}
	}

	return nil
}

func releases() dynamic.ResourceInterface {
	return management.Resource(schema.GroupVersionResource{Group: "helm.m.crossplane.io", Version: "v1beta1", Resource: "releases"}).Namespace("art")
}

func release(name, chart, policies, values string) string {
	return fmt.Sprintf(`
apiVersion: helm.m.crossplane.io/v1beta1
kind: Release
metadata: {name: %s, namespace: art}
spec:
  providerConfigRef: {kind: ProviderConfig, name: studio}
  managementPolicies: %s
  forProvider:
    namespace: kube-system
    skipCreateNamespace: true
    chart: %s
    values: %s`, name, policies, chart, values)
}

const (
	karpenterChart = `{name: karpenter, repository: oci://public.ecr.aws/karpenter, version: 1.14.1}`
	pluginChart    = `{name: nvidia-device-plugin, repository: https://nvidia.github.io/k8s-device-plugin, version: 0.18.2}`
	everything     = `["*"]`
	keeps          = `[Create, Observe, Update, LateInitialize]`
)

// condition waits until a release's condition has a status and a text in its
// message or reason.
func condition(t *testing.T, name, kind, status, text string) {
	t.Helper()
	eventually(t, fmt.Sprintf("release %s: %s=%s %q", name, kind, status, text), func(ctx context.Context) error {
		u, err := releases().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}

		conds, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
		if !slices.ContainsFunc(conds, func(c any) bool {
			m := c.(map[string]any)
			return m["type"] == kind && m["status"] == status && strings.Contains(fmt.Sprint(m["reason"], m["message"]), text)
		}) {
			return fmt.Errorf("conditions are %v", conds)
		}

		return nil
	})
}

func eventually(t *testing.T, what string, ask func(ctx context.Context) error) {
	t.Helper()

	if err := clustertest.Eventually(t.Context(), what, ask); err != nil {
		log, _ := os.ReadFile(filepath.Join(clusters.Dir, "helm.log"))
		t.Fatalf("%v\n%s", err, log[max(0, len(log)-3000):])
	}
}

// remove deletes a release and waits until it is gone.
func remove(t *testing.T, name string) {
	t.Helper()

	if err := releases().Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}

	eventually(t, "release "+name+" gone", func(ctx context.Context) error {
		if _, err := releases().Get(ctx, name, metav1.GetOptions{}); err == nil {
			return errors.New("it is there")
		}

		return nil
	})
}

// deployments are those that run in kube-system, by name.
func deployments(ctx context.Context) []string {
	l, err := clusters.Workload.Client.AppsV1().Deployments("kube-system").List(ctx, metav1.ListOptions{})
	if err != nil {
		return []string{err.Error()}
	}

	out := []string{}
	for _, d := range l.Items {
		out = append(out, d.Name)
	}

	return out
}
