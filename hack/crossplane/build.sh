#!/usr/bin/env bash
# Builds the Crossplane CLI into the given absolute path, as go.sum pins it. It
# has to know its own version, which is set at link time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

version=$(go list -m -f '{{.Version}}' github.com/crossplane/cli/v2)

go build -o "$1" -ldflags "-s -w \
	-X github.com/crossplane/crossplane-runtime/v2/pkg/version.version=$version" github.com/crossplane/cli/v2/cmd/crossplane
