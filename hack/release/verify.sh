#!/usr/bin/env bash
# Checks the signatures of packages, and what is attested of them: verify.sh COSIGN
# FOLDER [HOST KEY]. Without a key they must be those of this project's workflows.
set -euo pipefail
# shellcheck source=hack/release/packages.sh
source "$(dirname "${BASH_SOURCE[0]}")/packages.sh"

cosign=$1 dir=$2 host=${3:-} key=${4:-}

by=(
  --certificate-oidc-issuer https://token.actions.githubusercontent.com
  --certificate-identity-regexp '^https://github\.com/comfyui-studio/comfyui-studio/\.github/workflows/'
)
if [[ -n $key ]]; then
  by=(--key "$key" --insecure-ignore-tlog)
fi

while read -r repository _ digest _; do
  at=$repository@$digest
  "$cosign" verify "${by[@]}" "$at" > /dev/null < /dev/null
  for type in cyclonedx slsaprovenance1; do
    "$cosign" verify-attestation "${by[@]}" --type "$type" "$at" > /dev/null < /dev/null
  done
  echo "verified $at"
done < <(packages "$dir" "$host")
