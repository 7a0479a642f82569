#!/usr/bin/env bash
# Prints what CHANGELOG.md says of a version, for the page of its release. A version
# that it says nothing of is not released.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=$1
notes=$(awk -v "heading=## $version" '$0 == heading {on = 1; next} /^## / {on = 0} on' CHANGELOG.md)

if [[ -z ${notes//[[:space:]]/} ]]; then
  echo "CHANGELOG.md has no section \"## $version\": write what users notice" >&2
  exit 1
fi

echo "$notes"
