#!/usr/bin/env bash
# Builds provider-kubernetes for the bed into the given absolute path: upstream's
# module as go.sum pins it, with its own dependencies, and loopback.go beside its main.
# Go refuses to overlay files of the module cache, hence the copy.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

out=$1
module=github.com/crossplane-contrib/provider-kubernetes
src=$(dirname "$out")/../src/provider-kubernetes

dir=$(go mod download -json "$module" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')

rm -rf "$src"
mkdir -p "$src"
cp -r "$dir"/. "$src"
chmod -R u+w "$src"
cp loopback.go "$src/cmd/provider/"

cd "$src"
go build -tags bed -ldflags '-s -w' -o "$out" ./cmd/provider
