# Copies studio-agent into the studio's registry as it is, and its binaries into
# the artefact bucket under their hashes. With REPOSITORY set to the registry and
# the repository.
set -euo pipefail
name="${REPOSITORY#*/}"
digest="$(jq -r .digest manifest.json)"
source="$(jq -r .image manifest.json)@$digest"

mirrored() {
  aws ecr describe-images --repository-name "$name" --image-ids "imageDigest=$digest" > /dev/null 2>&1
}

if [ "$MARKER_STATE" = "done" ] && mirrored; then
  echo "$REPOSITORY@$digest is there"
  exit 0
fi

if ! mirrored; then
  aws ecr get-login-password | docker login --username AWS --password-stdin "${REPOSITORY%%/*}"
  # Every platform, byte for byte: the copy has the digest of the original.
  docker buildx imagetools create --tag "$REPOSITORY:$HASH" "$source"
  if ! mirrored; then
    echo "the copy of $source has another digest"
    exit 1
  fi
fi

container="$(docker create --platform linux/amd64 "$source" true)"

# copy FILE FIELD puts a file of the image under the hash that the manifest's field
# has for it.
copy() {
  local sum
  sum="$(jq -r --arg field "$2" '.[$field]' manifest.json)"
  docker cp "$container:/artefacts/$1" "$1"
  sha256sum --check <<< "$sum  $1"
  aws s3 cp --only-show-errors "$1" "s3://$BUCKET/artefacts/$sum/$1"
}

copy node-daemon nodeDaemonSHA256
copy lambda.zip lambdaSHA256
copy model-fetcher modelFetcherSHA256

# S3 takes metadata under names in lower case.
jq '{state: "done", digest, "node-daemon": .nodeDaemonSHA256, lambda: .lambdaSHA256, "model-fetcher": .modelFetcherSHA256}' \
  manifest.json > result.json
