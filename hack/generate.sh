#!/usr/bin/env bash
# Rewrites everything that is generated. CI runs it and fails when it changes
# anything.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mkdir -p _output/crd
go tool controller-gen object paths=./apis/v1alpha1
go tool controller-gen crd paths=./apis/v1alpha1 output:crd:dir=_output/crd
go run ./hack/xrdgen -crd _output/crd/aws.comfyui-studio.io_comfyuistudios.yaml -out apis/comfyuistudios/definition.yaml
go run ./hack/refgen -definition apis/comfyuistudios/definition.yaml -conditions apis/v1alpha1/conditions.go -doc docs/reference/comfyuistudio.md
go test ./functions/compose-comfyui -run TestActivation -update > /dev/null

# Who may do what, from all that the fullest example is composed into.
make -s render CLAIM=examples/full.yaml ALL=1 > _output/full.yaml
go run ./hack/iamgen -from _output/full.yaml -doc docs/reference/iam.md

# What the provider may do: from the kinds, and from what all examples are composed into.
make -s render-all
go run ./hack/providerpolicy

# What of the documentation is run, and what is not.
go run ./hack/docs -write
