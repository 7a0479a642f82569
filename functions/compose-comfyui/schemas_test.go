package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/comfyui-studio/comfyui-studio/apis/admission"
)

// TestSchemas validates every desired object against the CRD that the provider
// ships, schema and CEL rules, and against what no schema enforces: that it is
// namespaced, since a namespaced claim can compose nothing else.
func TestSchemas(t *testing.T) {
	everyWave(t, func(t *testing.T, _ *world, rsp *fnv1.RunFunctionResponse) {
		t.Helper()
		checkSchemas(t, rsp)
	})
}

func checkSchemas(t *testing.T, rsp *fnv1.RunFunctionResponse) {
	t.Helper()

	for _, k := range sortedKeys(rsp.GetDesired().GetResources()) {
		j, err := rsp.GetDesired().GetResources()[k].GetResource().MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}

		o := parse(t, j)

		// A Secret has no CRD, and its type in Go is its schema.
		if o.GetKind() == "Secret" {
			continue
		}

		// Crossplane puts it on everything that a namespaced claim composes.
		o.SetNamespace("art")

		adm := schemaOf(t, o)
		if unknown := adm.Unknown(o); len(unknown) > 0 {
			t.Errorf("%s: unknown fields %v", k, unknown)
		}

		if errs := adm.Create(o); len(errs) > 0 {
			t.Errorf("%s: %v", k, errs.ToAggregate())
		}
	}
}

// schema is a CRD and what validates objects against it.
type schema struct {
	*admission.Admission

	plural string
}

// schemas keeps what schemaOf has read: a CRD of ec2 takes a while to parse.
var schemas = map[string]schema{}

func schemaOf(t *testing.T, o *unstructured.Unstructured) schema {
	t.Helper()

	gvk := o.GroupVersionKind()
	if s, ok := schemas[gvk.String()]; ok {
		return s
	}

	for _, file := range crdFiles(t, gvk.Group) {
		crd := &extv1.CustomResourceDefinition{}

		b, err := os.ReadFile(filepath.Clean(file))
		if err != nil {
			t.Fatal(err)
		}

		if err := yaml.Unmarshal(b, crd); err != nil {
			t.Fatal(err)
		}

		if crd.Spec.Names.Kind != gvk.Kind {
			continue
		}

		if crd.Spec.Scope != extv1.NamespaceScoped {
			t.Errorf("%s is cluster scoped: a namespaced claim cannot compose it", gvk)
		}

		adm, err := admission.ForCRD(crd)
		if err != nil {
			t.Fatal(err)
		}

		s := schema{Admission: adm, plural: crd.Spec.Names.Plural}
		schemas[gvk.String()] = s

		return s
	}

	t.Fatalf("no CRD for %s", gvk)

	return schema{}
}

// crdFiles are the CRDs of a group, out of the module that ships them.
func crdFiles(t *testing.T, group string) []string {
	t.Helper()

	module, dir := "github.com/upbound/provider-aws/v2", "package/crds"

	switch group {
	case "kubernetes.m.crossplane.io":
		module = "github.com/crossplane-contrib/provider-kubernetes@v1.2.1"
	case "helm.m.crossplane.io":
		module = "github.com/crossplane-contrib/provider-helm@v1.3.0"
	case "protection.crossplane.io":
		module, dir = "github.com/crossplane/crossplane/v2@v2.4.0", "cluster/crds"
	}

	root := moduleDir(t, module)

	files, err := filepath.Glob(filepath.Join(root, dir, group+"_*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no CRDs of %s in %s: %v", group, root, err)
	}

	return files
}

func moduleDir(t *testing.T, module string) string {
	t.Helper()

	args := []string{"list", "-m", "-f", "{{.Dir}}", module}
	if strings.Contains(module, "@") {
		// Not a dependency of ours: only its CRDs are wanted.
		args = []string{"mod", "download", "-json", module}
	}

	out, err := exec.CommandContext(context.Background(), "go", args...).Output()
	if err != nil {
		t.Fatalf("cannot find module %s: %v", module, err)
	}

	if !strings.Contains(module, "@") {
		return strings.TrimSpace(string(out))
	}

	m := struct{ Dir string }{}
	if err := yaml.Unmarshal(out, &m); err != nil {
		t.Fatal(err)
	}

	return m.Dir
}
