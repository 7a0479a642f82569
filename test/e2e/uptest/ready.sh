#!/usr/bin/env bash
# When the studio is Ready: it must say where it is, and all that it is composed of
# must be Ready as well.
set -euo pipefail

studio() { "$KUBECTL" -n "$E2E_NAMESPACE" get comfyuistudio "$E2E_NAME" -o "jsonpath=$1"; }

url=$(studio '{.status.url}')
if [[ $url != https://* ]]; then
  echo "the studio is Ready and has no address: ${url:-nothing}" >&2
  exit 1
fi

secret=$(studio '{.status.loginSecretRef.name}')
"$KUBECTL" -n "$E2E_NAMESPACE" get secret "$secret" -o name

count=$("$KUBECTL" -n "$E2E_NAMESPACE" get managed -o name | wc -l)
if ((count < 60)); then
  echo "a studio is composed of more than $count managed resources" >&2
  exit 1
fi

echo "$url is up, of $count managed resources"
