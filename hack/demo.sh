#!/usr/bin/env bash
# Brings a studio up on the bed and shows it: demo.sh CLAIM SCALE FAULT KEEP WORKLOAD.
# The exit code is that of the studio. Without KEEP the bed ends with it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

claim=$1 scale=$2 fault=$3 keep=$4 workload=$5
bin=_output/bin dir=_output/bed

up=("$bin/bed" up --detach --dir "$dir" --scale "$scale" --workload "$workload")
if [[ -n $fault ]]; then
  up+=(--fault "$fault")
fi

"${up[@]}"
if [[ -z $keep ]]; then
  trap '"$bin/bed" down --dir "$dir"' EXIT
fi

KEEP=$([[ -n $keep ]] && echo true || echo false) \
  "$bin/demo" --bed "$dir" --claim "$claim" --svg _output/demo.svg --tree _output/demo.txt
