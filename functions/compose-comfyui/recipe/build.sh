# Runs in CodeBuild with BUILD, BUCKET and KEY set: KEY is the object that holds a
# recipe, and names it by the hash of its text. What the recipe's make.sh leaves in
# result.json becomes the metadata of the marker, which is all that the studio
# looks at. With REBUILD set, what is built is built again beside it.
set -euo pipefail
: "${BUILD:?}" "${BUCKET:?}" "${KEY:?}"
HASH="$(basename "$KEY" .json)"
export HASH
marker="markers/$BUILD/$HASH"
mkdir -p "${WORK:=/tmp/recipe}"
cd "$WORK"

aws s3 cp --only-show-errors "s3://$BUCKET/$KEY" recipe.json
if [ "$(sha256sum recipe.json | cut -c1-8)" != "$HASH" ]; then
  echo "$KEY is not the recipe that its name says"
  exit 1
fi

jq -r '.files | keys[]' recipe.json | while read -r name; do
  # shellcheck disable=SC2094 # No file of a recipe is called recipe.json.
  jq -j --arg file "$name" '.files[$file]' < recipe.json > "$name"
done
jq '.manifest' recipe.json > manifest.json

aws s3api head-object --bucket "$BUCKET" --key "$marker" --query Metadata --output json 2> /dev/null | jq '. // {}' > marker.json || echo '{}' > marker.json
MARKER_STATE="$(jq -r '.state // ""' marker.json)"
export MARKER_STATE

put_marker() {
  aws s3api put-object --bucket "$BUCKET" --key "$marker" --metadata file://result.json > /dev/null
}

if bash make.sh 2>&1 | tee make.log; then
  # Without a result nothing has changed.
  if [ -e result.json ]; then put_marker; fi
else
  # Metadata of S3 is ASCII and short.
  reason="$(tr -cd '\12\40-\176' < make.log | grep -v '^ *$' | tail -n 1 | cut -c1-400)"
  why=(--arg reason "$reason" --arg log "${CODEBUILD_BUILD_URL:-}")
  # What was built once stays built, whatever this attempt found.
  if [ "$MARKER_STATE" != "done" ]; then
    jq -n "${why[@]}" '{state: "failed", reason: $reason, log: $log}' > result.json
    put_marker
  elif [ -n "${REBUILD:-}" ]; then
    jq "${why[@]}" '. + {reason: $reason, log: $log}' marker.json > result.json
    put_marker
  fi
  exit 1
fi
