package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	provenance "github.com/in-toto/attestation/go/predicates/provenance/v1"
	attestation "github.com/in-toto/attestation/go/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"
)

const repository = "https://github.com/comfyui-studio/comfyui-studio"

// origin is where packages come from, as SLSA has it: what was asked for, from which
// commit, with which Go, and where it ran. It is said beside the packages and not in
// them, which are the same from any place.
func (f *flags) origin(ctx context.Context) ([]byte, error) {
	asked, err := structpb.NewStruct(map[string]any{"version": f.Version, "registry": f.Registry})
	if err != nil {
		return nil, fmt.Errorf("cannot say where the packages come from: %w", err)
	}

	commit, err := git(ctx, "rev-parse", "HEAD")
	if err != nil {
		return nil, err
	}

	changes, err := git(ctx, append([]string{"status", "--porcelain", "--"}, sources()...)...)
	if err != nil {
		return nil, err
	}

	source := &attestation.ResourceDescriptor{Uri: "git+" + repository, Digest: map[string]string{"gitCommit": commit}}
	if changes != "" {
		// What no commit has, nobody can build again.
		source.Digest = nil
		source.Name = "uncommitted changes on " + commit
	}

	p := &provenance.Provenance{
		BuildDefinition: &provenance.BuildDefinition{
			BuildType:          repository + "/blob/main/hack/xpkg",
			ExternalParameters: asked,
			ResolvedDependencies: []*attestation.ResourceDescriptor{
				source,
				{Uri: "pkg:golang/toolchain@" + strings.TrimPrefix(runtime.Version(), "go")},
			},
		},
		RunDetails: &provenance.RunDetails{Builder: &provenance.Builder{Id: builder()}},
	}
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("cannot say where the packages come from: %w", err)
	}

	b, err := protojson.MarshalOptions{Multiline: true}.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("cannot say where the packages come from: %w", err)
	}

	return b, nil
}

// builder is the workflow that runs, or somebody's machine.
func builder() string {
	if ref := os.Getenv("GITHUB_WORKFLOW_REF"); ref != "" {
		return "https://github.com/" + ref
	}

	return repository + "/blob/main/Makefile"
}

func git(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "git", args...).Output()
	if err != nil {
		return "", fmt.Errorf("cannot ask git %s: %w", args[0], err)
	}

	return strings.TrimSpace(string(out)), nil
}
