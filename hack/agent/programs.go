package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// A program is one that the image holds.
type program struct {
	// source is its package, and path where the image has it.
	source, path string
	// everywhere says that every platform has it. What runs elsewhere than in the
	// image's containers is taken out of the one for amd64, by the mirror's build.
	everywhere bool
}

// programs are all of the studio's own, but for the Lambda, whose zip is made by
// hack/lambda.
func programs() []program {
	return []program{
		{source: "./cmd/studio-agent", path: "studio-agent", everywhere: true},
		{source: "./cmd/node-daemon", path: nodeDaemon},
		{source: "./cmd/model-fetcher", path: modelFetcher},
	}
}

// Where recipe/agent finds what it unpacks.
const (
	nodeDaemon   = "artefacts/node-daemon"
	modelFetcher = "artefacts/model-fetcher"
	lambdaZip    = "artefacts/lambda.zip"
)

// servers is the architecture of the GPU nodes, and of the builds in AWS.
const servers = "amd64"

// platforms are those of the GPU nodes and of the system nodes.
func platforms() []string { return []string{servers, "arm64"} }

// A builder makes a program for an architecture.
type builder func(ctx context.Context, arch, source string) ([]byte, error)

// from builds the source in a folder.
func from(root string) builder {
	return func(ctx context.Context, arch, source string) ([]byte, error) { return build(ctx, root, arch, source) }
}

// build compiles a program. What depends on where, when and for whom it is built
// is left out: the same source and the same Go give the same bytes.
func build(ctx context.Context, root, arch, source string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "studio-agent")
	if err != nil {
		return nil, fmt.Errorf("cannot make room: %w", err)
	}
	defer os.RemoveAll(dir)

	out := filepath.Join(dir, "program")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=", "-o", out, source)
	cmd.Dir = root
	// These are whoever's shell; what is built is not.
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "GOAMD64=v1", "GOARM64=v8.0", "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=", "GOEXPERIMENT=", "GOFIPS140=off")

	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("cannot build %s for %s: %w\n%s", source, arch, err, text)
	}

	b, err := os.ReadFile(out)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", source, err)
	}

	return b, nil
}
