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
  if ! docker build --pull --platform linux/amd64 --provenance=false --progress=plain --tag "$REPOSITORY:$HASH" . 2>&1 | tee docker.log; then
    # Docker's own last line says that a step failed. The step's says why.
    sed -n 's/^#[0-9]* [0-9]*[.][0-9]* //p' docker.log | grep -v '^ *$' | tail -n 1
    exit 1
  fi
  # Tags do not change. Whoever built the same at the same time was first.
  docker push "$REPOSITORY:$HASH" || digest_of_tag
  digest="$(digest_of_tag)"
fi

jq -n --arg digest "$digest" '{state: "done", digest: $digest}' > result.json
