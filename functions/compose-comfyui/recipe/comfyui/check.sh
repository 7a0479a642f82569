# Starts the server as it is in the image, in its folder and without a GPU. A server
# that cannot start, or a custom node that cannot be imported, is no image: ComfyUI
# itself goes on without such a node and says so in its log only.
set -euo pipefail
at="$(mktemp --directory)"
mkdir "$at/user" "$at/input" "$at/output" "$at/temp"

if ! python main.py --cpu --quick-test-for-ci --database-url sqlite:///:memory: \
  --user-directory "$at/user" --input-directory "$at/input" \
  --output-directory "$at/output" --temp-directory "$at/temp" > "$at/log" 2>&1; then
  cat "$at/log"
  echo "ComfyUI does not start: $(grep -v '^ *$' "$at/log" | tail -n 1)"
  exit 1
fi

failed="$(sed -n 's/.*(IMPORT FAILED):* *//p' "$at/log" | while read -r node; do basename "$node"; done | paste -s -d ' ')"
if [ -n "$failed" ]; then
  cat "$at/log"
  echo "spec.image.customNodes: cannot be imported: $failed"
  exit 1
fi

rm -r "$at"
