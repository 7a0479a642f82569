#!/usr/bin/env bash
# Builds Chainsaw into the given absolute path. It runs its tests through Go's
# testing package, which asks for one more method since Go 1.26: a copy of its
# source gets it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

source=$(go list -mod=mod -m -f '{{.Dir}}' github.com/kyverno/chainsaw)
version=$(go list -mod=mod -m -f '{{.Version}}' github.com/kyverno/chainsaw)

# One place, so that the next build finds in its cache what this one compiled.
copy=$PWD/../../_output/chainsaw
rm -rf "$copy"
cp -r "$source" "$copy"
chmod -R u+w "$copy"

cat > "$copy/pkg/runner/internal/modulepath.go" <<'EOF'
package internal

// ModulePath is asked for by testing.MainStart.
func (*TestDeps) ModulePath() string { return "" }
EOF

cd "$copy"
GOWORK=off go build -mod=readonly -o "$1" -ldflags "-s -w -X github.com/kyverno/chainsaw/pkg/version.BuildVersion=$version" .
