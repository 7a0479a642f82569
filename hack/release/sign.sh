#!/usr/bin/env bash
# Signs packages that were pushed, and attests what they are made of and where they
# come from: sign.sh COSIGN FOLDER [HOST KEY]. Without a key it is by identity, as a
# GitHub workflow has one, and in the public transparency log. With a key it asks
# nobody on the internet.
set -euo pipefail
# shellcheck source=hack/release/packages.sh
source "$(dirname "${BASH_SOURCE[0]}")/packages.sh"

cosign=$1 dir=$2 host=${3:-} key=${4:-}

how=(--yes)
if [[ -n $key ]]; then
  "$cosign" signing-config create --out "$dir/signing-config.json"
  how+=(--key "$key" --signing-config "$dir/signing-config.json")
fi

while read -r repository _ digest _ bom; do
  at=$repository@$digest
  "$cosign" sign "${how[@]}" "$at" < /dev/null
  "$cosign" attest "${how[@]}" --type cyclonedx --predicate "$bom" "$at" < /dev/null
  "$cosign" attest "${how[@]}" --type slsaprovenance1 --predicate "$dir/provenance.json" "$at" < /dev/null
  echo "signed $at"
done < <(packages "$dir" "$host")
