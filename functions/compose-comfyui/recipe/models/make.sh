# Fetches the files of the manifest into the bucket MODELS_BUCKET. Each is checked
# before it is put there, and carries its hash. A file that lies there without
# that hash is somebody's own and is left alone.
set -euo pipefail
count="$(jq '.files | length' manifest.json)"
present=0
failures=""

field() { jq -r --argjson i "$1" --arg name "$2" '.files[$i][$name] // empty' manifest.json; }

# fetch puts file $1 where it belongs. It prints what went wrong in one word.
fetch() {
  local i="$1" path url sha256 size token there
  path="$(field "$i" path)" url="$(field "$i" url)" sha256="$(field "$i" sha256)"
  size="$(field "$i" size)" token="$(field "$i" tokenSecret)"

  if there="$(aws s3api head-object --bucket "$MODELS_BUCKET" --key "$path" --query Metadata.sha256 --output text 2> head.log)"; then
    if [ "$there" = "$sha256" ]; then return 0; fi
    echo conflict
    return 1
  fi
  # Only "not found" means that nothing of anybody's is there.
  if ! grep -q 404 head.log; then echo denied; return 1; fi

  if [ "$(df --output=avail -B1 . | tail -n 1)" -lt "$size" ]; then echo no-room; return 1; fi

  rm -f file
  case "$url" in
    s3://*) aws s3 cp --only-show-errors "$url" file >&2 || { echo source; return 1; } ;;
    *) download "$url" "$token" || { echo source; return 1; } ;;
  esac

  if [ "$(stat --format %s file)" != "$size" ]; then echo size; return 1; fi
  if [ "$(sha256sum file | cut -d ' ' -f 1)" != "$sha256" ]; then echo checksum; return 1; fi

  aws s3 cp --only-show-errors --metadata "sha256=$sha256" file "s3://$MODELS_BUCKET/$path" >&2 || { echo bucket; return 1; }
}

# download fetches $1 with the token in secret $2, if any. The token reaches curl
# by a pipe: a command line is seen by others. curl does not hand it to another
# host that it is sent on to.
download() {
  local token=""
  if [ -n "$2" ]; then
    token="$(aws secretsmanager get-secret-value --secret-id "$2" --query SecretString --output text)" || return 1
  fi
  { if [ -n "$token" ]; then printf 'header = "Authorization: Bearer %s"\n' "$token"; fi; } \
    | curl --config - --fail --silent --show-error --location --proto '=https' --retry 5 --retry-all-errors \
      --output file --url "$1" >&2
}

for ((i = 0; i < count; i++)); do
  if why="$(fetch "$i")"; then
    present=$((present + 1))
  else
    echo "$(field "$i" path): ${why:-unknown}"
    failures="$failures${failures:+,}$i:${why:-unknown}"
  fi
  rm -f file
done

state="done"
if [ -n "$failures" ]; then state=partial; fi
jq -n --arg state "$state" --arg present "$present" --arg failures "$failures" \
  '{state: $state, present: $present, failures: $failures}' > result.json
