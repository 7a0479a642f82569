#!/usr/bin/env bash
# Publishes packages with the Crossplane CLI: push.sh CROSSPLANE FOLDER [HOST]. The
# folder is one that hack/xpkg wrote. Who may push is what docker login left behind.
set -euo pipefail
# shellcheck source=hack/release/packages.sh
source "$(dirname "${BASH_SOURCE[0]}")/packages.sh"

crossplane=$1 dir=$2 host=${3:-}

while read -r repository version digest files _; do
  "$crossplane" xpkg push --package-files="$files" "$repository:$version"
  echo "pushed $repository:$version@$digest"
done < <(packages "$dir" "$host")
