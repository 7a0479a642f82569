#!/usr/bin/env bash
# Prints, as Markdown, what this tree composes the examples into that another commit
# does not, and the other way round. The other commit's function renders this
# tree's examples, as an upgrade would meet claims that are there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

base=$1
bin=_output/bin
out=$PWD/_output/render-diff
was=$(mktemp -d)
trap 'git worktree remove --force "$was"; rm -rf "$was"' EXIT
git worktree add --quiet --detach "$was" "$base"

rm -rf "$out"
mkdir -p "$out"
make -C "$was" --no-print-directory -s _output/bin/render >&2
(cd "$was" && "$bin/render" -from "$OLDPWD/examples" -to "$out/was") >&2 || echo "**$base does not render all of these examples.**"
"$bin/render" -from examples -to "$out/is" >&2

if diff --recursive --unified=4 --label was --label is "$out/was" "$out/is" > "$out/diff"; then
  echo "The examples are composed into the same resources as at $base."
  exit
fi

# GitHub takes a summary of one megabyte.
limit=900000
printf 'The examples are composed into other resources than at %s:\n\n```diff\n' "$base"
head --bytes=$limit "$out/diff"
printf '\n```\n'
if (($(wc --bytes < "$out/diff") > limit)); then
  echo "This is the beginning. \`make render-diff BASE=$base\` shows all of it."
fi
