#!/usr/bin/env bash
# After the claim is gone: nothing of the studio may be left. uptest's own check ends
# when the claim goes, which is before its resources do.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

left() { "$KUBECTL" -n "$E2E_NAMESPACE" get managed -l "crossplane.io/composite=$E2E_NAME" -o name; }

if [[ -n $(left) ]]; then
  "$KUBECTL" -n "$E2E_NAMESPACE" wait managed -l "crossplane.io/composite=$E2E_NAME" --for=delete --timeout="$E2E_TIMEOUT"
fi

./orphans.sh
