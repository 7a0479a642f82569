# Builds the image that the manifest describes, pushes it under its hash, and says
# which digest it has. With REPOSITORY set to the registry and the repository; for a
# rebuild also REBUILD, and RUNS to the digest that servers run.
set -euo pipefail
name="${REPOSITORY#*/}"
tag="$HASH"
if [ -n "${REBUILD:-}" ]; then tag="$HASH-$(date --utc +%Y%m%d)"; fi
image="$REPOSITORY:$tag"
# Beside the marker: the versions that the first build of this recipe found, and
# what each image is made of.
kept="s3://$BUCKET/markers/$BUILD"

digest_of_tag() {
  aws ecr describe-images --repository-name "$name" --image-ids "imageTag=$tag" \
    --query 'imageDetails[0].imageDigest' --output text 2> /dev/null
}

docker_build() {
  # One manifest, not a list with an attestation in it: its digest is the image's.
  docker build --pull --platform linux/amd64 --provenance=false --progress=plain --tag "$image" \
    --label "org.opencontainers.image.title=ComfyUI of a studio" \
    --label "org.opencontainers.image.source=https://github.com/comfyanonymous/ComfyUI" \
    --label "org.opencontainers.image.version=$(jq -r .comfyui.version manifest.json)" \
    --label "org.opencontainers.image.revision=$(jq -r '.comfyui.commit // ""' manifest.json)" \
    --label "io.comfyui-studio.recipe=$HASH" \
    --label "io.comfyui-studio.manifest=$(jq -c . manifest.json)" .
}

build() {
  aws ecr get-login-password | docker login --username AWS --password-stdin "${REPOSITORY%%/*}"
  if ! docker_build 2>&1 | tee docker.log; then
    # Docker's own last line says that a step failed. The step's says why.
    sed -n 's/^#[0-9]* [0-9]*[.][0-9]* //p' docker.log | grep -v '^ *$' | tail -n 1
    exit 1
  fi
  container="$(docker create "$image")"
  for file in lock.txt sbom.json; do docker cp "$container:/opt/comfyui-studio/$file" "$file"; done
}

keep() { aws s3 cp --only-show-errors "$1" "$kept/$2"; }

# first builds a recipe that was not built before, or whose image is gone.
first() {
  local digest
  digest="$(digest_of_tag || true)"
  if [ -n "$digest" ] && [ "$MARKER_STATE" = "done" ]; then
    echo "$image is there"
    return
  fi

  if [ -z "$digest" ]; then
    aws s3 cp --only-show-errors "$kept/$HASH.lock" lock.txt 2> /dev/null || : > lock.txt
    build
    # Tags do not change. Whoever built the same at the same time was first.
    if docker push "$image"; then
      keep lock.txt "$HASH.lock"
      keep sbom.json "$tag.sbom.json"
    fi
    digest="$(digest_of_tag)"
  fi

  jq -n --arg digest "$digest" '{state: "done", digest: $digest}' > result.json
}

# rebuild builds the same again, with the same Python packages and what Debian has
# mended since. It offers the image: servers change over when the claim says so.
rebuild() {
  local digest offered before
  before="$(jq -r --arg first "$HASH" '.rebuilt // $first | sub("@.*"; "")' marker.json)"
  offered="$(jq -r '.rebuilt // "" | sub(".*@"; "")' marker.json)"
  if [ "$MARKER_STATE" != "done" ] || [ -z "${RUNS:-}" ]; then
    echo "nothing is built that could be built again"
    return
  fi
  # One at a time. The registry keeps a number of images, and what runs is among them.
  if [ -n "$offered" ] && [ "$offered" != "$RUNS" ]; then
    echo "the last rebuild is not in use yet"
    return
  fi

  # The last attempt may have failed.
  jq 'del(.reason, .log)' marker.json > result.json
  digest="$(digest_of_tag || true)"
  if [ -z "$digest" ]; then
    aws s3 cp --only-show-errors "$kept/$before.sbom.json" before.json
    aws s3 cp --only-show-errors "$kept/$HASH.lock" lock.txt
    build
    if cmp --quiet sbom.json before.json; then
      echo "there is nothing newer than what servers run"
      return
    fi
    keep sbom.json "$tag.sbom.json"
    docker push "$image"
    digest="$(digest_of_tag)"
  fi

  if [ "$digest" != "$RUNS" ]; then
    jq --arg rebuilt "$tag@$digest" --arg earlier "$RUNS" '. + {rebuilt: $rebuilt, earlier: $earlier}' result.json > offer.json
    mv offer.json result.json
  fi
}

if [ -n "${REBUILD:-}" ]; then rebuild; else first; fi
