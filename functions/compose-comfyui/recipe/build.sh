# Runs in CodeBuild with BUILD, BUCKET and KEY set: KEY is the object that holds a
# recipe, and names it by the hash of its text. What the recipe's make.sh leaves in
# result.json becomes the metadata of the marker, which is all that the studio
# looks at.
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

MARKER_STATE="$(aws s3api head-object --bucket "$BUCKET" --key "$marker" --query Metadata.state --output text 2> /dev/null || true)"
export MARKER_STATE

put_marker() {
  aws s3api put-object --bucket "$BUCKET" --key "$marker" --metadata file://result.json > /dev/null
}

if bash make.sh 2>&1 | tee make.log; then
  # Without a result nothing has changed.
  if [ -e result.json ]; then put_marker; fi
else
  # What was built once stays built, whatever this attempt found.
  if [ "$MARKER_STATE" != "done" ]; then
    # Metadata of S3 is ASCII and short.
    reason="$(tr -cd '\12\40-\176' < make.log | grep -v '^ *$' | tail -n 1 | cut -c1-400)"
    jq -n --arg reason "$reason" --arg log "${CODEBUILD_BUILD_URL:-}" \
      '{state: "failed", reason: $reason, log: $log}' > result.json
    put_marker
  fi
  exit 1
fi
