# Brings the files of the manifest into the bucket MODELS_BUCKET. What does it is a
# program of studio-agent's, FETCHER in the artefact bucket, in a folder that its
# hash names.
set -euo pipefail
sum="$(basename "$(dirname "$FETCHER")")"
aws s3 cp --only-show-errors "s3://$BUCKET/$FETCHER" model-fetcher
sha256sum --check --quiet <<< "$sum  model-fetcher"
chmod 0755 model-fetcher

# What of the files could not be fetched is in the result. The program fails when
# it could not look after them at all.
./model-fetcher --manifest=manifest.json --models="$MODELS_BUCKET" --notes="s3://$BUCKET/fetches/" \
  --marker="s3://$BUCKET/markers/$BUILD/$HASH" --result=result.json
