#!/usr/bin/env bash
# Builds provider-helm for the bed into the given absolute path, as go.sum pins
# it. Two variables are set at link time, for which upstream has no flags: the
# cache of charts, which the bed fills, and no port for metrics, so that two
# beds can run at once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

out=$1
charts=$(realpath -m "$(dirname "$out")/../charts")
helm=github.com/crossplane-contrib/provider-helm

go build -o "$out" -ldflags "-s -w \
	-X $helm/pkg/clients/helm.chartCache=$charts \
	-X sigs.k8s.io/controller-runtime/pkg/metrics/server.DefaultBindAddress=0" $helm/cmd/provider
