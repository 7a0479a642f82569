# Builds the image that the manifest describes, pushes it under its hash, and says
# which digest it has. With REPOSITORY set to the registry and the repository.
set -euo pipefail
name="${REPOSITORY#*/}"

digest_of_tag() {
  aws ecr describe-images --repository-name "$name" --image-ids "imageTag=$HASH" \
    --query 'imageDetails[0].imageDigest' --output text 2> /dev/null
}

digest="$(digest_of_tag || true)"
if [ -n "$digest" ] && [ "$MARKER_STATE" = "done" ]; then
  echo "$REPOSITORY:$HASH is there"
  exit 0
fi

if [ -z "$digest" ]; then
  aws ecr get-login-password | docker login --username AWS --password-stdin "${REPOSITORY%%/*}"
  # One manifest, not a list with an attestation in it: its digest is the image's.
  docker build --pull --platform linux/amd64 --provenance=false --tag "$REPOSITORY:$HASH" .
  # Tags do not change. Whoever built the same at the same time was first.
  docker push "$REPOSITORY:$HASH" || digest_of_tag
  digest="$(digest_of_tag)"
fi

jq -n --arg digest "$digest" '{state: "done", digest: $digest}' > result.json
