#!/usr/bin/env bash
# Builds cosign into the given absolute path, as go.sum pins it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

version=$(go list -m -f '{{.Version}}' github.com/sigstore/cosign/v3)

go build -o "$1" -ldflags "-s -w -X sigs.k8s.io/release-utils/version.gitVersion=$version" github.com/sigstore/cosign/v3/cmd/cosign
