package bed

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/packages"
)

// anImageConfig has the core pull from the bed's registry what is for another one.
// Names stay those of the other.
const anImageConfig = `
apiVersion: pkg.crossplane.io/v1beta1
kind: ImageConfig
metadata:
  name: bed-%[1]s
spec:
  matchImages:
  - type: Prefix
    prefix: %[2]s
  rewriteImage:
    prefix: %[3]s
`

// aConfiguration is all that a user installs.
const aConfiguration = `
apiVersion: pkg.crossplane.io/v1
kind: Configuration
metadata:
  name: comfyui-studio
spec:
  package: %s
`

// configurationSuffix is what the Configuration's repository ends in.
const configurationSuffix = "/configuration"

// installLimit is for a busy machine: two dozen packages come one after the other.
const installLimit = 4 * time.Minute

// steps of a bed whose APIs, function and kinds come in packages.
func (b *Bed) packageSteps() []step {
	return []step{
		{"API server answers, packages published", b.together(b.startAPIServer, b.startRegistry)},
		{"Crossplane's own CRDs established", b.installCrossplane},
		{"Crossplane initialized", b.initCore},
		{"Crossplane core runs", b.startCore},
		{"packages installed, function runs", b.installPackages},
		{"simulated AWS runs", b.together(b.startDouble, b.startWorkload)},
	}
}

func (b *Bed) startRegistry(ctx context.Context) error {
	port, err := b.ports.take()
	if err != nil {
		return err
	}

	b.registry, err = packages.Serve(ctx, loopback(port))
	if err != nil {
		return err
	}

	b.packages, err = b.registry.Add(ctx, b.o.Packages)

	return err
}

func (b *Bed) stopRegistry() error {
	b.runtime.stop()

	if b.registry == nil {
		return nil
	}

	return b.registry.Close()
}

// installPackages installs the Configuration, as a user would, plays the package
// runtime, and waits until all that came with it is there.
func (b *Bed) installPackages(ctx context.Context) error {
	if err := b.mirror(ctx); err != nil {
		return err
	}

	b.runtime.run(b.ctx, b.playRuntime) //nolint:contextcheck // It lives as long as the bed.

	for _, p := range b.packages {
		if strings.HasSuffix(p.Repository, configurationSuffix) {
			if _, err := b.Apply(ctx, fmt.Sprintf(aConfiguration, p.Repository+":"+p.Version)); err != nil {
				return err
			}
		}
	}

	if err := b.AwaitPackages(ctx); err != nil {
		return fmt.Errorf("the package manager did not install all: %w", err)
	}

	return b.awaitStudios(ctx)
}

// mirror has the core find in the bed's registry what is for others.
func (b *Bed) mirror(ctx context.Context) error {
	for _, host := range b.registry.Hosts() {
		if _, err := b.Apply(ctx, fmt.Sprintf(anImageConfig, strings.ReplaceAll(host, ".", "-"), host, b.registry.Address())); err != nil {
			return err
		}
	}

	return nil
}

// Publish adds the packages of a folder to those that can be installed.
func (b *Bed) Publish(ctx context.Context, dir string) ([]packages.Package, error) {
	added, err := b.registry.Add(ctx, dir)
	if err != nil {
		return nil, err
	}

	return added, b.mirror(ctx)
}

func packageKind(kind string) schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "pkg.crossplane.io", Version: "v1", Kind: kind}
}

// AwaitPackages waits until all packages are installed and healthy, and the
// Configuration's dependencies are all there.
func (b *Bed) AwaitPackages(ctx context.Context) error {
	repositories := sets.New[string]()
	for _, p := range b.packages {
		repositories.Insert(p.Repository)
	}

	return poll(ctx, installLimit, 200*time.Millisecond, func(ctx context.Context) error {
		count := 0

		for _, kind := range []string{"Configuration", "Function", "Provider"} {
			n, err := b.healthy(ctx, packageKind(kind))
			if err != nil {
				return err
			}

			count += n
		}

		if count != repositories.Len() {
			return fmt.Errorf("%d of %d packages are there", count, repositories.Len())
		}

		return nil
	})
}

// healthy counts the packages of a kind. One that is not healthy is an error.
func (b *Bed) healthy(ctx context.Context, kind schema.GroupVersionKind) (int, error) {
	r, err := b.Resource(kind, "")
	if err != nil {
		return 0, err
	}

	list, err := r.List(ctx, metav1.ListOptions{})
	if err != nil {
		return 0, fmt.Errorf("cannot list packages: %w", err)
	}

	for _, p := range list.Items {
		for _, condition := range []string{"Installed", "Healthy"} {
			if err := HasCondition(condition)(&p); err != nil {
				return 0, fmt.Errorf("%s %s: %w", kind.Kind, p.GetName(), err)
			}
		}
	}

	return len(list.Items), nil
}

// awaitStudios waits until the core offers studios, and the API server every kind
// that one is composed of.
func (b *Bed) awaitStudios(ctx context.Context) error {
	xrds, err := b.Resource(schema.GroupVersionKind{Group: "apiextensions.crossplane.io", Version: "v2", Kind: "CompositeResourceDefinition"}, "")
	if err != nil {
		return err
	}

	list, err := xrds.List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("cannot list XRDs: %w", err)
	}

	if len(list.Items) == 0 {
		return errors.New("the Configuration brought no XRD")
	}

	served := []*unstructured.Unstructured{}

	for _, xrd := range list.Items {
		if err := b.Await(ctx, xrd.GroupVersionKind(), "", xrd.GetName(), time.Minute, HasCondition("Established")); err != nil {
			return err
		}

		served = append(served, &xrd) // The CRD has the XRD's name.
	}

	kinds, err := b.activated()
	if err != nil {
		return err
	}

	for _, k := range kinds {
		o := &unstructured.Unstructured{}
		o.SetName(k)
		served = append(served, o)
	}

	return b.awaitServedWithin(ctx, installLimit, served)
}
