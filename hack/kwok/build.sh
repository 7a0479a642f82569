#!/usr/bin/env bash
# Builds kwok, which plays kubelets, into the given absolute path, as go.sum
# pins it. A module of its own, because kwok brings a newer Kubernetes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

go build -o "$1" -ldflags '-s -w' sigs.k8s.io/kwok/cmd/kwok
