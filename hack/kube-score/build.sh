#!/usr/bin/env bash
# Builds kube-score, which lints Kubernetes manifests, into the given absolute path,
# as go.sum pins it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

go build -o "$1" -ldflags '-s -w' github.com/zegl/kube-score/cmd/kube-score
