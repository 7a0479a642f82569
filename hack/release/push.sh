#!/usr/bin/env bash
# Publishes packages with the Crossplane CLI: push.sh CROSSPLANE FOLDER. The folder
# is one that hack/xpkg wrote. Who may push is what docker login left behind.
set -euo pipefail

crossplane=$1 dir=$2

# packages.yaml has one block for each package: repository, version and files.
awk '
  function push() { if (repository) print repository ":" version, files }
  /^- /             { push(); repository = version = files = "" }
  /^  - /           { files = files (files ? "," : "") dir "/" $2 }
  $1 == "repository:" { repository = $2 }
  $1 == "version:"    { version = $2 }
  END { push() }
' dir="$dir" "$dir/packages.yaml" | while read -r package files; do
  "$crossplane" xpkg push --package-files="$files" "$package"
  echo "pushed $package"
done
