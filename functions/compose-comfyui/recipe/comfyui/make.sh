# Builds the image that the manifest describes, pushes it under its hash, and says
# which digest it has. With REPOSITORY set to the registry and the repository.
set -euo pipefail
name="${REPOSITORY#*/}"
image="$REPOSITORY:$HASH"
# Beside the marker: the versions that the first build of this recipe found, and
# what the image is made of.
kept="s3://$BUCKET/markers/$BUILD/$HASH"

digest_of_tag() {
  aws ecr describe-images --repository-name "$name" --image-ids "imageTag=$HASH" \
    --query 'imageDetails[0].imageDigest' --output text 2> /dev/null
}

build() {
  # One manifest, not a list with an attestation in it: its digest is the image's.
  docker build --pull --platform linux/amd64 --provenance=false --progress=plain --tag "$image" \
    --label "org.opencontainers.image.title=ComfyUI of a studio" \
    --label "org.opencontainers.image.source=https://github.com/comfyanonymous/ComfyUI" \
    --label "org.opencontainers.image.version=$(jq -r .comfyui.version manifest.json)" \
    --label "org.opencontainers.image.revision=$(jq -r '.comfyui.commit // ""' manifest.json)" \
    --label "io.comfyui-studio.recipe=$HASH" \
    --label "io.comfyui-studio.manifest=$(jq -c . manifest.json)" .
}

# take FILE SUFFIX: keeps a file of the image.
take() {
  docker cp "$container:/opt/comfyui-studio/$1" "$1"
  aws s3 cp --only-show-errors "$1" "$kept.$2"
}

digest="$(digest_of_tag || true)"
if [ -n "$digest" ] && [ "$MARKER_STATE" = "done" ]; then
  echo "$image is there"
  exit 0
fi

if [ -z "$digest" ]; then
  aws ecr get-login-password | docker login --username AWS --password-stdin "${REPOSITORY%%/*}"
  aws s3 cp --only-show-errors "$kept.lock" lock.txt 2> /dev/null || : > lock.txt
  if ! build 2>&1 | tee docker.log; then
    # Docker's own last line says that a step failed. The step's says why.
    sed -n 's/^#[0-9]* [0-9]*[.][0-9]* //p' docker.log | grep -v '^ *$' | tail -n 1
    exit 1
  fi
  # Tags do not change. Whoever built the same at the same time was first.
  if docker push "$image"; then
    container="$(docker create "$image")"
    take lock.txt lock
    take sbom.json sbom.json
  fi
  digest="$(digest_of_tag)"
fi

jq -n --arg digest "$digest" '{state: "done", digest: $digest}' > result.json
