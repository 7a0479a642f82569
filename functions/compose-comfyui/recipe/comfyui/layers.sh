# Takes the largest packages out of an environment, each into a folder that becomes
# a layer of its own: nodes pull several layers at once, and one of six gigabytes
# piece after piece. With ENVIRONMENT and LAYERS set, both absolute.
set -euo pipefail
: "${ENVIRONMENT:?}" "${LAYERS:?}"

layer() { # layer NAME PACKAGE
  local from="$ENVIRONMENT/lib/python3.12/site-packages/$2"
  mkdir -p "$LAYERS/$1$(dirname "$from")"
  # Another release may not bring the package.
  if [ -e "$from" ]; then mv "$from" "$LAYERS/$1$from"; fi
}

layer cudnn nvidia/cudnn
layer nvidia nvidia
layer torch torch
layer triton triton
