#!/usr/bin/env bash
# Before anything is applied: the studio's namespace. uptest does not make one, and
# would wait for a Namespace to be Ready.
set -euo pipefail

if ! "$KUBECTL" get namespace "$E2E_NAMESPACE" > /dev/null 2>&1; then
  "$KUBECTL" create namespace "$E2E_NAMESPACE"
fi
