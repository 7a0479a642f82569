#!/usr/bin/env bash
# Renders every example with Crossplane's own CLI, core and our function, and has
# the CLI validate what comes out against the CRDs of the providers' modules. No
# container engine, no network. Each claim must be composed into the same resources
# as by make render, whose complete sets are validated, too.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

bin=_output/bin
out=_output/crossplane
rm -rf $out
mkdir -p $out/{claims,rendered,schemas}

# The CRDs of what studios are composed of: all of the provider's take seconds more.
aws=$(go list -m -f '{{.Dir}}' github.com/upbound/provider-aws/v2)/package/crds
grep -o '[a-z0-9]*\.[a-z0-9.]*aws\.m\.upbound\.io' apis/comfyuistudios/activation.yaml | while IFS=. read -r plural group; do
  cp "$aws/${group}_$plural.yaml" $out/schemas/
done
for module in crossplane-contrib/provider-kubernetes@v1.2.1 crossplane-contrib/provider-helm@v1.3.0; do
  dir=$(go mod download -json "github.com/$module" | sed -n 's/^.*"Dir": "\(.*\)",*$/\1/p')
  cp "$dir"/package/crds/*.m.crossplane.io_*.yaml $out/schemas/
done
cp "$(cd test/e2e/bed && go list -m -f '{{.Dir}}' github.com/crossplane/crossplane/v2)"/cluster/crds/protection.crossplane.io_*.yaml $out/schemas/
chmod -R u+w $out/schemas

# A file of its own for each claim: examples may hold several, and Secrets.
for example in examples/*.yaml; do
  awk -v "to=$out/claims/$(basename "$example" .yaml)" 'BEGIN {n = 1} /^---$/ {n++; next} {print > (to "-" n ".yaml")}' "$example"
done
grep -L '^kind: ComfyUIStudio$' $out/claims/*.yaml | xargs --no-run-if-empty rm

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
$bin/compose-comfyui --insecure --address="127.0.0.1:$port" --metrics-address= > $out/function.log 2>&1 &
function=$!
trap 'kill $function; wait $function || true' EXIT
until (: > "/dev/tcp/127.0.0.1/$port") 2> /dev/null; do
  kill -0 $function || { cat $out/function.log; exit 1; }
  sleep 0.1
done

# An image that nobody pulls: the function is the one that runs.
cat > $out/functions.yaml << FUNCTION
apiVersion: pkg.crossplane.io/v1
kind: Function
metadata:
  name: comfyui-studio-compose-comfyui
  annotations:
    render.crossplane.io/runtime: Development
    render.crossplane.io/runtime-development-target: 127.0.0.1:$port
spec:
  package: ghcr.io/comfyui-studio/compose-comfyui:v0.0.0
FUNCTION

keys() { sed -n 's/^ *crossplane.io\/composition-resource-name: //p' "$1" | sort; }

for claim in "$out"/claims/*.yaml; do
  rendered=$out/rendered/$(basename "$claim")
  $bin/crossplane composition render --crossplane-binary="$PWD/$bin/crossplane-core" \
    --xrd=apis/comfyuistudios/definition.yaml --include-full-xr \
    "$claim" apis/comfyuistudios/composition.yaml $out/functions.yaml > "$rendered"
  $bin/render -claim "$claim" > $out/ours.yaml
  diff <(keys $out/ours.yaml) <(keys "$rendered") || { echo "make render and Crossplane compose $claim into other resources" >&2; exit 1; }
done

$bin/crossplane resource validate --crossplane-image= --error-on-missing-schemas --skip-success-results \
  apis/comfyuistudios/definition.yaml,$out/schemas $out/rendered
echo "rendered and validated $(find $out/rendered -name '*.yaml' | wc -l) claims with $($bin/crossplane version --client 2> /dev/null | head -1)"
