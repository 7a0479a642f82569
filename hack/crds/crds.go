// Package crds finds the CustomResourceDefinitions of everything that a studio is
// composed of, in the modules that ship them, and admits objects as an API server
// would that has them.
package crds

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/comfyui-studio/comfyui-studio/apis/admission"
)

// A Definition is a CRD and what admits objects by it.
type Definition struct {
	*admission.Admission

	// Plural is the kind's name in paths.
	Plural string
	// Namespaced is whether objects lie in a namespace.
	Namespaced bool
}

// A Catalogue remembers what it has read: a CRD of ec2 takes a while to parse.
type Catalogue struct {
	definitions map[schema.GroupVersionKind]Definition
	modules     map[string]string
}

// NewCatalogue returns an empty one.
func NewCatalogue() *Catalogue {
	return &Catalogue{definitions: map[schema.GroupVersionKind]Definition{}, modules: map[string]string{}}
}

// Check tells why an API server would refuse the object, or a careful client not
// send it: a field that the schema does not know.
func (c *Catalogue) Check(ctx context.Context, o *unstructured.Unstructured) error {
	// A Secret needs no CRD.
	if o.GroupVersionKind().Group == "" {
		return nil
	}

	d, err := c.Definition(ctx, o.GroupVersionKind())
	if err != nil {
		return err
	}

	if unknown := d.Unknown(o); len(unknown) > 0 {
		return fmt.Errorf("unknown fields %s", strings.Join(unknown, ", "))
	}

	return d.Create(o).ToAggregate() //nolint:contextcheck // Rules run to their cost limit.
}

// Definition finds the CRD of a kind that a claim can compose.
func (c *Catalogue) Definition(ctx context.Context, gvk schema.GroupVersionKind) (Definition, error) {
	d, err := c.Find(ctx, gvk)
	if err != nil {
		return Definition{}, err
	}

	if !d.Namespaced {
		return Definition{}, fmt.Errorf("%s is cluster scoped: a namespaced claim cannot compose it", gvk)
	}

	return d, nil
}

// Find finds the CRD of a kind of either scope.
func (c *Catalogue) Find(ctx context.Context, gvk schema.GroupVersionKind) (Definition, error) {
	if d, ok := c.definitions[gvk]; ok {
		return d, nil
	}

	files, err := c.files(ctx, gvk.Group)
	if err != nil {
		return Definition{}, err
	}

	for _, file := range files {
		b, err := os.ReadFile(filepath.Clean(file))
		if err != nil {
			return Definition{}, fmt.Errorf("cannot read a CRD: %w", err)
		}

		crd := &extv1.CustomResourceDefinition{}
		if err := yaml.Unmarshal(b, crd); err != nil {
			return Definition{}, fmt.Errorf("cannot parse %s: %w", file, err)
		}

		// One that is asked for decides, where there are several.
		crd.Spec.Versions = slices.DeleteFunc(crd.Spec.Versions, func(v extv1.CustomResourceDefinitionVersion) bool { return v.Name != gvk.Version })

		if crd.Spec.Names.Kind != gvk.Kind || len(crd.Spec.Versions) == 0 {
			continue
		}

		a, err := admission.ForCRD(crd) //nolint:contextcheck // Compiling rules cannot be cancelled.
		if err != nil {
			return Definition{}, fmt.Errorf("cannot use the CRD of %s: %w", gvk, err)
		}

		c.definitions[gvk] = Definition{Admission: a, Plural: crd.Spec.Names.Plural, Namespaced: crd.Spec.Scope == extv1.NamespaceScoped}

		return c.definitions[gvk], nil
	}

	return Definition{}, fmt.Errorf("cannot find a CRD for %s", gvk)
}

// files are the CRDs of a group, out of the module that ships them.
func (c *Catalogue) files(ctx context.Context, group string) ([]string, error) {
	module, dir := "github.com/upbound/provider-aws/v2", "package/crds"

	switch group {
	case "kubernetes.m.crossplane.io":
		module = "github.com/crossplane-contrib/provider-kubernetes@v1.2.1"
	case "helm.m.crossplane.io":
		module = "github.com/crossplane-contrib/provider-helm@v1.3.0"
	case "protection.crossplane.io", "pkg.crossplane.io", "apiextensions.crossplane.io":
		module, dir = "github.com/crossplane/crossplane/v2@v2.4.0", "cluster/crds"
	}

	root, err := c.module(ctx, module)
	if err != nil {
		return nil, err
	}

	files, err := filepath.Glob(filepath.Join(root, dir, group+"_*.yaml"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("cannot find CRDs of %s in %s", group, root)
	}

	return files, nil
}

func (c *Catalogue) module(ctx context.Context, module string) (string, error) {
	if dir, ok := c.modules[module]; ok {
		return dir, nil
	}

	dir, err := Module(ctx, module)
	if err != nil {
		return "", err
	}

	c.modules[module] = dir

	return dir, nil
}

// Module finds the folder of a module, at a version or, where none is given, at the
// one that we depend on.
func Module(ctx context.Context, module string) (string, error) {
	args := []string{"list", "-m", "-json", module}
	if strings.Contains(module, "@") {
		// Not a dependency of ours: only its CRDs are wanted.
		args = []string{"mod", "download", "-json", module}
	}

	out, err := exec.CommandContext(ctx, "go", args...).Output()
	if err != nil {
		return "", fmt.Errorf("cannot find module %s: %w", module, err)
	}

	m := struct {
		Dir string `json:"Dir"`
	}{}
	if err := json.Unmarshal(out, &m); err != nil {
		return "", fmt.Errorf("cannot find module %s: %w", module, err)
	}

	return m.Dir, nil
}
