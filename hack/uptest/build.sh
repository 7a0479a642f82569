#!/usr/bin/env bash
# Builds uptest and kubectl into the given absolute folder, as go.sum pins them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

kubernetes=$(go list -m -f '{{.Version}}' k8s.io/kubectl)
kubernetes=v1${kubernetes#v0}

go build -o "$1/uptest" -ldflags '-s -w' github.com/crossplane/uptest/cmd/uptest
go build -o "$1/kubectl" -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$kubernetes" ./kubectl
