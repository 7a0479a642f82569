# Copies studio-agent into the studio's registry as it is, and its binaries into
# the artefact bucket under their hashes. With REPOSITORY set to the registry and
# the repository.
set -euo pipefail
name="${REPOSITORY#*/}"
digest="$(jq -r .digest manifest.json)"
source="$(jq -r .image manifest.json)@$digest"
daemon="$(jq -r .nodeDaemonSHA256 manifest.json)"
lambda="$(jq -r .lambdaSHA256 manifest.json)"

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
docker cp "$container:/artefacts/node-daemon" node-daemon
docker cp "$container:/artefacts/lambda.zip" lambda.zip
sha256sum --check <<< "$daemon  node-daemon"
sha256sum --check <<< "$lambda  lambda.zip"
aws s3 cp --only-show-errors node-daemon "s3://$BUCKET/artefacts/$daemon/node-daemon"
aws s3 cp --only-show-errors lambda.zip "s3://$BUCKET/artefacts/$lambda/lambda.zip"

# S3 takes metadata under names in lower case.
jq -n --arg digest "$digest" --arg daemon "$daemon" --arg lambda "$lambda" \
  '{state: "done", digest: $digest, "node-daemon": $daemon, lambda: $lambda}' > result.json
