package bed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/yaml"
)

// crdWorkers apply CRDs side by side. More do not make it faster.
const crdWorkers = 16

const crossplaneModule = "github.com/crossplane/crossplane/v2"

// A source of CRDs: a provider's come with its Go module.
type source struct {
	group   string   // of its configuration; the managed resources' groups end in it
	module  string   // with a version where no go.mod of ours names it
	goMod   string   // the directory, from the root, whose go.mod decides the version
	configs []string // and what else of it a studio has in any case
	always  bool     // whether a studio has
}

func sources() []source {
	configs := func(more ...string) []string {
		return append([]string{"providerconfigs", "clusterproviderconfigs", "providerconfigusages"}, more...)
	}

	return []source{
		{group: "aws.m.upbound.io", module: "github.com/upbound/provider-aws/v2", configs: configs(), always: true},
		{group: "kubernetes.m.crossplane.io", module: "github.com/crossplane-contrib/provider-kubernetes@v1.2.1", goMod: "test/e2e/bed", configs: configs("objects"), always: true},
		{group: "helm.m.crossplane.io", module: "github.com/crossplane-contrib/provider-helm@v1.3.0", goMod: "test/e2e/bed", configs: configs("releases"), always: true},
	}
}

// moduleDir is where a module's files are; Go downloads it when need be.
func (b *Bed) moduleDir(ctx context.Context, goMod, module string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", module)
	cmd.Dir = filepath.Join(b.o.Root, goMod)

	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("cannot download module %s: %w: %s", module, err, out)
	}

	m := struct {
		Dir string `json:"Dir"`
	}{}
	if err := json.Unmarshal(out, &m); err != nil {
		return "", fmt.Errorf("cannot download module %s: %w", module, err)
	}

	return m.Dir, nil
}

// activated lists the kinds to install, as plural.group.
func (b *Bed) activated() ([]string, error) {
	if b.o.CRDs != nil {
		return b.o.CRDs, nil
	}

	data, err := os.ReadFile(filepath.Join(b.o.APIs, activationFile))
	if err != nil {
		return nil, fmt.Errorf("cannot read which kinds are in use: %w", err)
	}

	policy := struct {
		Spec struct {
			Activate []string `json:"activate"`
		} `json:"spec"`
	}{}
	if err := yaml.Unmarshal(data, &policy); err != nil {
		return nil, fmt.Errorf("cannot read which kinds are in use: %w", err)
	}

	if len(policy.Spec.Activate) == 0 {
		return nil, errors.New("cannot read which kinds are in use: activation.yaml names none")
	}

	return policy.Spec.Activate, nil
}

// installProviders installs the CRDs of the kinds in use and those of their
// providers' configurations.
func (b *Bed) installProviders(ctx context.Context) error {
	kinds, err := b.activated()
	if err != nil {
		return err
	}

	files := []string{}
	known := 0

	for _, p := range sources() {
		mine := slices.DeleteFunc(slices.Clone(kinds), func(k string) bool {
			return !strings.HasSuffix(k, "."+p.group)
		})
		if len(mine) == 0 && !p.always {
			continue
		}

		known += len(mine)

		dir, err := b.moduleDir(ctx, p.goMod, p.module)
		if err != nil {
			return err
		}

		for _, c := range p.configs {
			mine = append(mine, c+"."+p.group)
		}

		slices.Sort(mine)

		for _, k := range slices.Compact(mine) {
			plural, group, _ := strings.Cut(k, ".")
			files = append(files, filepath.Join(dir, "package", "crds", group+"_"+plural+".yaml"))
		}
	}

	if known != len(kinds) {
		return fmt.Errorf("cannot install %d of the kinds in use: no known provider has them: %v", len(kinds)-known, kinds)
	}

	return b.installCRDs(ctx, files)
}

// installCRDs applies CRD files and waits until the kinds are served.
func (b *Bed) installCRDs(ctx context.Context, files []string) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(crdWorkers)

	crds := make([]*unstructured.Unstructured, len(files))

	for i, f := range files {
		g.Go(func() error {
			data, err := os.ReadFile(f)
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("cannot install a kind that its provider does not have: %w", err)
			}

			if err != nil {
				return fmt.Errorf("cannot read CRD: %w", err)
			}

			objs, err := b.Apply(gctx, string(data))
			if err != nil {
				return err
			}

			if len(objs) != 1 {
				return fmt.Errorf("cannot install %s: want one CRD in it, got %d objects", f, len(objs))
			}

			crds[i] = objs[0]

			return nil
		})
	}

	if err := g.Wait(); err != nil {
		return err
	}

	return b.awaitServed(ctx, crds)
}

// awaitServed waits until discovery names the kinds, which it does once their
// CRDs are established. That is one small request; the CRDs are megabytes.
func (b *Bed) awaitServed(ctx context.Context, crds []*unstructured.Unstructured) error {
	return b.awaitServedWithin(ctx, time.Minute, crds)
}

func (b *Bed) awaitServedWithin(ctx context.Context, limit time.Duration, crds []*unstructured.Unstructured) error {
	d, err := discovery.NewDiscoveryClientForConfig(b.config)
	if err != nil {
		return fmt.Errorf("cannot make a discovery client: %w", err)
	}

	return poll(ctx, limit, 200*time.Millisecond, func(context.Context) error {
		_, lists, err := d.ServerGroupsAndResources()
		if err != nil {
			return fmt.Errorf("cannot discover kinds: %w", err)
		}

		served := map[schema.GroupResource]bool{}

		for _, l := range lists {
			gv, err := schema.ParseGroupVersion(l.GroupVersion)
			if err != nil {
				return err
			}

			for _, r := range l.APIResources {
				served[schema.GroupResource{Group: gv.Group, Resource: r.Name}] = true
			}
		}

		for _, c := range crds {
			plural, group, _ := strings.Cut(c.GetName(), ".")
			if !served[schema.GroupResource{Group: group, Resource: plural}] {
				return fmt.Errorf("%s is not served yet", c.GetName())
			}
		}

		return nil
	})
}
