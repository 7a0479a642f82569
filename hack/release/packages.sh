#!/usr/bin/env bash
# What the other scripts here need of a folder that hack/xpkg wrote. To be sourced.

# packages FOLDER [HOST] prints a line for each package: repository, version, digest,
# files with commas between them, and its bill of materials. With a host that one
# stands in place of the registry, as in a mirror.
packages() {
  awk -v dir="$1" -v host="${2:-}" '
    function tell() {
      if (repository == "") return
      if (host != "") sub(/^[^\/]*/, host, repository)
      print repository, version, digest, files, bom
    }
    /^- /  { tell(); repository = version = digest = files = bom = ""; sub(/^- /, "  ") }
    /^  - / { files = files (files ? "," : "") dir "/" $2 }
    $1 == "repository:" { repository = $2 }
    $1 == "version:"    { version = $2 }
    $1 == "digest:"     { digest = $2 }
    $1 == "bom:"        { bom = dir "/" $2 }
    END { tell() }
  ' "$1/packages.yaml"
}
