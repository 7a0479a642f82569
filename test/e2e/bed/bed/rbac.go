package bed

import (
	"bytes"
	"context"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/pki"
)

// The service accounts of Crossplane's chart.
const (
	accountCore = "crossplane"
	accountRBAC = "rbac-manager"
)

// accountKubeconfig is the path of a service account's kubeconfig: the
// administrator's where nobody asks for permissions.
func (b *Bed) accountKubeconfig(account string) string {
	if !b.o.RBAC {
		return b.Kubeconfig()
	}

	return filepath.Join(b.clusterDir(), account+".kubeconfig")
}

// makeAccounts writes kubeconfigs for the service accounts. Their login is a
// certificate instead of a token: to RBAC a user's name is a name.
func (b *Bed) makeAccounts(ca *pki.CA) error {
	if !b.o.RBAC {
		return nil
	}

	for _, account := range []string{accountCore, accountRBAC} {
		pair, err := ca.Issue(pkix.Name{
			CommonName:   "system:serviceaccount:" + namespace + ":" + account,
			Organization: []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace},
		})
		if err != nil {
			return err
		}

		err = clientcmd.WriteToFile(kubeconfig("https://"+loopback(b.ports.apiServer), ca.Cert, pair), b.accountKubeconfig(account))
		if err != nil {
			return fmt.Errorf("cannot write the kubeconfig of %s: %w", account, err)
		}
	}

	return nil
}

// installRoles installs the roles of Crossplane's chart and their bindings.
func (b *Bed) installRoles(ctx context.Context) error {
	if !b.o.RBAC {
		return nil
	}

	charts := filepath.Join(b.crossplane, "charts", "crossplane", "templates")

	for _, name := range []string{
		"clusterrole.yaml", "clusterrolebinding.yaml", "rbac-manager-clusterrole.yaml", "rbac-manager-clusterrolebinding.yaml",
		"rbac-manager-managed-clusterroles.yaml", "rbac-manager-allowed-provider-permissions.yaml",
	} {
		manifest, err := render(charts, name)
		if err != nil {
			return fmt.Errorf("cannot render %s of Crossplane's chart: %w", name, err)
		}

		if _, err := b.Apply(ctx, manifest); err != nil {
			return err
		}
	}

	return nil
}

// render renders a template of Crossplane's chart with its default values, as
// far as the roles use Helm's functions.
func render(dir, name string) (string, error) {
	t := template.New(name)
	t.Funcs(template.FuncMap{
		"include": func(name string, data any) (string, error) {
			out := &strings.Builder{}
			err := t.ExecuteTemplate(out, name, data)

			return out.String(), err
		},
		"indent": func(n int, s string) string {
			pad := strings.Repeat(" ", n)
			return pad + strings.ReplaceAll(s, "\n", "\n"+pad)
		},
		"default": func(other, s any) any {
			if s == nil || s == "" {
				return other
			}

			return s
		},
		"trunc":      func(n int, s string) string { return s[:min(n, len(s))] },
		"trimSuffix": func(suffix, s string) string { return strings.TrimSuffix(s, suffix) },
		"replace":    func(before, after, s string) string { return strings.ReplaceAll(s, before, after) },
		"quote":      func(s string) string { return fmt.Sprintf("%q", s) },
		"toYaml":     func(any) (string, error) { return "", errors.New("no value of the chart's defaults needs it") },
	})

	if _, err := t.ParseFiles(filepath.Join(dir, "_helpers.tpl"), filepath.Join(dir, name)); err != nil {
		return "", err
	}

	out := &bytes.Buffer{}
	err := t.ExecuteTemplate(out, name, map[string]any{
		"Chart":   map[string]any{"Name": "crossplane", "Version": "0.0.0"},
		"Release": map[string]any{"Namespace": namespace, "Name": "crossplane", "Service": "bed"},
		"Values": map[string]any{
			"rbacManager":    map[string]any{"deploy": true},
			"serviceAccount": map[string]any{"create": true},
		},
	})

	return out.String(), err
}

// aProvider is an installed provider, but for what the package manager does.
const aProvider = `
apiVersion: pkg.crossplane.io/v1
kind: ProviderRevision
metadata:
  name: %[1]s
spec:
  image: registry.local/bed/%[1]s:v0.0.0
  desiredState: Active
  revision: 1
`

// grant lets the RBAC manager grant the core what providers bring, before the
// core starts: from then on the revisions are paused, since the core's package
// manager would look for their packages.
func (b *Bed) grant(ctx context.Context) error {
	b.mu.Lock()
	running := b.procs["rbac"] != nil
	b.mu.Unlock()

	if !b.o.RBAC || running {
		return nil
	}

	err := b.spawn("rbac", b.o.ControlPlaneBinary, []string{"KUBECONFIG=" + b.accountKubeconfig(accountRBAC)},
		[]string{"rbac", "start", "--provider-clusterrole=crossplane:allowed-provider-permissions"})
	if err != nil {
		return err
	}

	kinds, err := b.installed()
	if err != nil {
		return err
	}

	for group, mine := range kinds {
		name := strings.ReplaceAll(group, ".", "-")

		r, err := b.reviseProvider(ctx, name, mine)
		if err != nil {
			return err
		}

		role := schema.GroupVersionKind{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRole"}
		if err := b.Await(ctx, role, "", "crossplane:provider:"+name+":aggregate-to-edit", time.Minute, exists); err != nil {
			return fmt.Errorf("the RBAC manager grants nothing: %w\n%s", err, b.LogTail("rbac", 5))
		}

		if err := r("", map[string]any{"metadata": map[string]any{"annotations": map[string]any{"crossplane.io/paused": "true"}}}); err != nil {
			return err
		}
	}

	return nil
}

func exists(o *unstructured.Unstructured) error {
	if o == nil {
		return errors.New("is not there")
	}

	return nil
}

// installed are the kinds that providers brought, by the group of the provider.
func (b *Bed) installed() (map[string][]string, error) {
	active, err := b.activated()
	if err != nil {
		return nil, err
	}

	out := map[string][]string{}

	for _, p := range sources() {
		for _, k := range active {
			if strings.HasSuffix(k, "."+p.group) {
				out[p.group] = append(out[p.group], k)
			}
		}

		if p.always {
			for _, c := range p.configs {
				out[p.group] = append(out[p.group], c+"."+p.group)
			}
		}
	}

	return out, nil
}

// reviseProvider makes a ProviderRevision that says it brought the kinds, and
// returns what patches it.
func (b *Bed) reviseProvider(ctx context.Context, name string, kinds []string) (func(subresource string, patch map[string]any) error, error) {
	objs, err := b.Apply(ctx, fmt.Sprintf(aProvider, name))
	if err != nil {
		return nil, err
	}

	r, err := b.Resource(objs[0].GroupVersionKind(), "")
	if err != nil {
		return nil, err
	}

	patch := func(subresource string, p map[string]any) error {
		data, err := json.Marshal(p)
		if err != nil {
			return err
		}

		sub := []string{}
		if subresource != "" {
			sub = append(sub, subresource)
		}

		_, err = r.Patch(ctx, name, types.MergePatchType, data, metav1.PatchOptions{FieldManager: Manager}, sub...)
		if err != nil && !apierrors.IsConflict(err) {
			return fmt.Errorf("cannot revise provider %s: %w", name, err)
		}

		return nil
	}

	refs := []any{}
	for _, k := range kinds {
		refs = append(refs, map[string]any{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "name": k})
	}

	return patch, patch("status", map[string]any{"status": map[string]any{"objectRefs": refs}})
}
