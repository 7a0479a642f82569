# Writes the lock of everything that is installed with pip: every package with its
# version and the sha256 of its files. A lock that an earlier build of the same
# recipe has left is taken as it is. With LOCK and COMFYUI set, in the folder of the recipe.
set -euo pipefail
: "${LOCK:?}" "${COMFYUI:?}"

if [ -s "$LOCK" ]; then
  echo "the packages are those of the first build of this recipe"
  exit 0
fi

set -- "$COMFYUI/requirements.txt" requirements.txt
for file in "$COMFYUI"/custom_nodes/*/requirements.txt; do
  if [ -e "$file" ]; then set -- "$@" "$file"; fi
done

# All in one resolution, so that what contradicts is seen. In its own order, uv
# tells why in several lines; the last line is all that a claim shows.
if ! uv pip compile --quiet --no-header --no-annotate --python-version 3.12 --python-platform x86_64-unknown-linux-gnu \
  --generate-hashes --constraint constraints.txt --output-file "$LOCK.new" "$@" 2> resolve.log; then
  cat resolve.log
  why="$(tr -c '\40-\176' ' ' < resolve.log | tr -s ' ' | sed 's/^.*No solution found when resolving dependencies: *//')"
  echo "spec.image: packages cannot be installed together: $why" | cut -c1-400
  exit 1
fi
mv "$LOCK.new" "$LOCK"
