package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"github.com/comfyui-studio/comfyui-studio/hack/crds"
)

// A family is what providers come from, and the version whose kinds their stand-ins
// have.
type family struct {
	// group is what the groups of its kinds end in.
	group, module, version string
	// configuration is the package that holds the configuration's kinds; all others
	// depend on it.
	configuration string
}

// Of provider-aws it is not the version that the function compiles with: that one
// does not do, and nobody may install it.
func families() []family {
	return []family{
		{".aws.m.upbound.io", "github.com/upbound/provider-aws/v2", "v2.7.0", contrib + "provider-family-aws"},
		{"helm.m.crossplane.io", "github.com/crossplane-contrib/provider-helm", "v1.3.0", contrib + "provider-helm"},
		{"kubernetes.m.crossplane.io", "github.com/crossplane-contrib/provider-kubernetes", "v1.2.1", contrib + "provider-kubernetes"},
	}
}

const contrib = "xpkg.crossplane.io/crossplane-contrib/"

// standIns are packages under the names of the providers that ours depend on, with
// the real kinds that a studio uses and no program. So Crossplane's package manager
// works as it does for users, where the providers are played.
func standIns(ctx context.Context, root string) ([]pkg, error) {
	kinds, err := activated(root)
	if err != nil {
		return nil, err
	}

	out := []pkg{}

	for _, f := range families() {
		dir, err := crds.Module(ctx, f.module+"@"+f.version)
		if err != nil {
			return nil, err
		}

		made, err := f.standIns(filepath.Join(dir, "package", "crds"), kinds)
		if err != nil {
			return nil, err
		}

		out = append(out, made...)
	}

	return out, nil
}

func (f family) standIns(dir string, kinds []string) ([]pkg, error) {
	files := map[string][]string{}
	order := []string{f.configuration}

	for _, plural := range []string{"providerconfigs", "clusterproviderconfigs", "providerconfigusages"} {
		files[f.configuration] = append(files[f.configuration], strings.TrimPrefix(f.group, ".")+"_"+plural+".yaml")
	}

	for _, k := range kinds {
		plural, group, _ := strings.Cut(k, ".")
		if !strings.HasSuffix(group, f.group) {
			continue
		}

		repository := providerOf(group)
		if files[repository] == nil {
			order = append(order, repository)
		}

		files[repository] = append(files[repository], group+"_"+plural+".yaml")
	}

	out := []pkg{}

	for _, repository := range order {
		i, err := f.standIn(repository, dir, files[repository])
		if err != nil {
			return nil, fmt.Errorf("cannot stand in for %s: %w", repository, err)
		}

		out = append(out, pkg{repository: repository, version: f.version, images: []v1.Image{i}})
	}

	return out, nil
}

// standIn is a provider's package with the kinds in the files.
func (f family) standIn(repository, dir string, files []string) (v1.Image, error) {
	// Upstream's say so, too: no kind is there until a policy activates it.
	spec := map[string]any{"capabilities": []string{"safe-start"}}
	if repository != f.configuration {
		spec["dependsOn"] = []any{map[string]any{"apiVersion": "pkg.crossplane.io/v1", "kind": "Provider", "package": f.configuration, "version": ">=" + f.version}}
	}

	meta, err := yaml.Marshal(map[string]any{
		"apiVersion": "meta.pkg.crossplane.io/v1", "kind": "Provider",
		"metadata": map[string]any{"name": repository[strings.LastIndexByte(repository, '/')+1:]},
		"spec":     spec,
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // The caller says of what.
	}

	out := bytes.NewBuffer(meta)

	for _, file := range files {
		b, err := undescribed(filepath.Join(dir, file))
		if err != nil {
			return nil, err
		}

		out.WriteString("\n---\n")
		out.Write(b)
	}

	return packed(empty.Image, f.version, out.Bytes())
}

// undescribed is a kind without what its schema says to people, which is two thirds
// of it: Crossplane reads each package once for every other one that is installed.
func undescribed(file string) ([]byte, error) {
	b, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		return nil, err //nolint:wrapcheck // The caller says of what.
	}

	crd := &extv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(b, crd); err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", file, err)
	}

	for n := range crd.Spec.Versions {
		hush(crd.Spec.Versions[n].Schema.OpenAPIV3Schema)
	}

	b, err = json.Marshal(crd)
	if err != nil {
		return nil, err //nolint:wrapcheck // The caller says of what.
	}

	return b, nil
}

// hush takes the descriptions out of a schema.
func hush(schema *extv1.JSONSchemaProps) {
	schema.Description = ""

	for name, property := range schema.Properties {
		hush(&property)
		schema.Properties[name] = property
	}

	if schema.Items != nil && schema.Items.Schema != nil {
		hush(schema.Items.Schema)
	}

	if schema.AdditionalProperties != nil && schema.AdditionalProperties.Schema != nil {
		hush(schema.AdditionalProperties.Schema)
	}
}

// providerOf is the package that brings a group's kinds.
func providerOf(group string) string {
	first, rest, _ := strings.Cut(group, ".")
	if rest == "aws.m.upbound.io" {
		return contrib + "provider-aws-" + first
	}

	return contrib + "provider-" + first
}

// activated are the kinds that a studio uses, as plural.group.
func activated(root string) ([]string, error) {
	b, err := os.ReadFile(filepath.Join(root, "apis", "comfyuistudios", "activation.yaml"))
	if err != nil {
		return nil, fmt.Errorf("cannot read which kinds are in use: %w", err)
	}

	policy := struct {
		Spec struct {
			Activate []string `json:"activate"`
		} `json:"spec"`
	}{}
	if err := yaml.Unmarshal(b, &policy); err != nil {
		return nil, fmt.Errorf("cannot read which kinds are in use: %w", err)
	}

	if len(policy.Spec.Activate) == 0 {
		return nil, errors.New("cannot read which kinds are in use: the activation policy names none")
	}

	return policy.Spec.Activate, nil
}
