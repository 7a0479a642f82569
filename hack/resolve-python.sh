#!/usr/bin/env bash
# Resolves the Python packages of images as their build does, with the same uv and
# the same script, against the real Python Package Index. Nothing is installed.
# ComfyUI's own pins and ours must come out as they went in.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
recipe="$PWD/functions/compose-comfyui/recipe"
work="$PWD/_output/resolve"

rm -rf "$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --requirement "$recipe/comfyui/tools.txt"
PATH="$work/venv/bin:$PATH"

cp "$recipe/comfyui/constraints.txt" "$work"
: > "$work/requirements.txt"

for image in "$recipe"/testdata/resolve/*/; do
  name="$(basename "$image")"
  lock="$work/$name.lock"
  (cd "$work" && LOCK="$lock" COMFYUI="$image" bash "$recipe/comfyui/resolve.sh")

  sed -n 's/^\([A-Za-z0-9._-]*==[^ ]*\).*/\1/p' "$image/requirements.txt" "$work/constraints.txt" | while read -r pin; do
    if ! grep -qi "^$pin " "$lock"; then
      echo "$name: $pin is not what was resolved: $(grep -i "^${pin%%==*}==" "$lock" || echo nothing)" >&2
      exit 1
    fi
  done

  echo "$name: $(grep -c '^[A-Za-z0-9]' "$lock") packages, every one with its hashes; ComfyUI's pins and ours hold"
done
