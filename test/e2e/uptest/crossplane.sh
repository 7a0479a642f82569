#!/usr/bin/env bash
# The Crossplane CLI as uptest v1.3.0 calls it: it asks for `beta trace KIND NAME`,
# which is `resource trace` now, and gives no namespace.
set -euo pipefail

if [[ "$1 $2" == "beta trace" ]]; then
  shift 2
  exec "$E2E_CROSSPLANE" resource trace -n "$E2E_NAMESPACE" "$@"
fi

exec "$E2E_CROSSPLANE" "$@"
