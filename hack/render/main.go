// Command render prints what a claim is composed into, without a cluster and
// without AWS: the resources of the first round, or with -all the complete set as
// it stands when the studio is ready. It asks the function itself, as Crossplane
// would, and answers for AWS and the studio's cluster (package offline).
//
// Stdout holds a YAML stream and nothing else. A claim that the API server or the
// function would refuse is refused here with the same sentence on stderr.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/hack/crds"
	"github.com/comfyui-studio/comfyui-studio/internal/preview"
)

type options struct {
	function, definition string
	// claim and observed are files; all asks for the complete set.
	claim, observed string
	all             bool
	// from is a folder of claims that are rendered into the folder to, complete
	// and checked against every CRD.
	from, to string
}

func main() {
	o := options{}
	flag.StringVar(&o.function, "function", "_output/bin/compose-comfyui", "the built function")
	flag.StringVar(&o.definition, "definition", "apis/comfyuistudios/definition.yaml", "the definition of the claim")
	flag.StringVar(&o.claim, "claim", "", "file with the claim")
	flag.StringVar(&o.observed, "observed", "", "file with observed resources, each with the annotation "+preview.KeyAnnotation)
	flag.BoolVar(&o.all, "all", false, "print the complete set as it stands when the studio is ready")
	flag.StringVar(&o.from, "from", "", "render every claim in this folder")
	flag.StringVar(&o.to, "to", "", "folder that -from writes to")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1) //nolint:gocritic // The one deferred call is made above.
	}
}

func run(ctx context.Context, o options, out io.Writer) error {
	if o.from != "" {
		return renderFolder(ctx, o)
	}

	// Refused before anything is started: that takes most of a second less.
	if o.claim == "" {
		return errors.New("cannot render: no claim is given; give one with CLAIM=examples/minimal.yaml")
	}

	claims, err := readClaims(o.definition, o.claim) //nolint:contextcheck // Compiling rules cannot be cancelled.
	if err != nil {
		return err
	}

	observed, err := preview.ReadObserved(o.observed)
	if err != nil {
		return err
	}

	f, err := preview.Start(ctx, o.function)
	if err != nil {
		return err
	}
	defer f.Stop()

	var all preview.Rendering

	for _, claim := range claims {
		s := preview.Studio{Claim: claim, Observed: maps.Clone(observed)}

		r, err := s.Render(ctx, f, o.all)
		if err != nil {
			return err
		}

		all = append(all, r...)
	}

	return all.Write(out)
}

// readClaims reads claims by a definition that may have been generated a moment ago.
func readClaims(definition, file string) ([]*unstructured.Unstructured, error) {
	d, err := os.ReadFile(filepath.Clean(definition))
	if err != nil {
		return nil, fmt.Errorf("cannot read the claim's definition: %w", err)
	}

	return preview.ReadClaims(d, file)
}

// renderFolder renders every claim of a folder and checks what comes out.
func renderFolder(ctx context.Context, o options) error {
	files, err := filepath.Glob(filepath.Join(o.from, "*.yaml"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("cannot find claims in %s", o.from)
	}

	if err := os.MkdirAll(o.to, 0o750); err != nil {
		return fmt.Errorf("cannot render into %s: %w", o.to, err)
	}

	f, err := preview.Start(ctx, o.function)
	if err != nil {
		return err
	}
	defer f.Stop()

	catalogue := crds.NewCatalogue()

	var errs []error

	for _, file := range files {
		if err := renderFile(ctx, o, f, catalogue, file); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", file, err))
		}
	}

	return errors.Join(errs...)
}

func renderFile(ctx context.Context, o options, f *preview.Function, catalogue *crds.Catalogue, file string) error {
	claims, err := readClaims(o.definition, file) //nolint:contextcheck // As above.
	if err != nil {
		return err
	}

	var (
		all  preview.Rendering
		errs []error
	)

	for _, claim := range claims {
		s := preview.Studio{Claim: claim}

		r, err := s.Render(ctx, f, true)
		if err != nil {
			return err
		}

		all = append(all, r...)
	}

	for _, r := range all {
		if err := catalogue.Check(ctx, r.Object); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r.Key, err))
		}
	}

	b := &bytes.Buffer{}
	if err := all.Write(b); err != nil {
		return err
	}

	if err := os.WriteFile(filepath.Join(o.to, filepath.Base(file)), b.Bytes(), 0o600); err != nil {
		return fmt.Errorf("cannot write what was rendered: %w", err)
	}

	return errors.Join(errs...)
}
