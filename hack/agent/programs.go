package main

import (
	"context"

	"github.com/comfyui-studio/comfyui-studio/hack/image"
)

// sources are what the image is made of.
func sources() []string {
	return []string{"go.mod", "go.sum", "cmd", "gateway", "internal", "lambda", "modelsync", "runtime"}
}

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
	return func(ctx context.Context, arch, source string) ([]byte, error) {
		return image.Program(ctx, root, arch, source)
	}
}
