#!/usr/bin/env bash
# Opens a studio in a real browser, with ComfyUI's own frontend behind the front
# door. Both are fetched when they are missing: the browser from Debian, the
# frontend from the Python Package Index. Where one cannot be had, nothing is
# tested, and the output says why.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
out="$PWD/_output/frontend"
log="$PWD/_output/browser.log"
mkdir -p _output

skip() {
  echo "the browser is not tested: $1" >&2
  [ ! -s "$log" ] || tail -n 3 "$log" >&2
  exit 0
}

browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }

: > "$log"

if ! browser > /dev/null; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
    skip "there is no Chromium, and only Debian's administrator can install it here"
  fi
  echo "installing Debian's chromium"
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium fonts-dejavu-core; } > "$log" 2>&1 || skip "Debian's chromium cannot be installed"
fi

if ! cmp -s test/browser/frontend.txt "$out/frontend.txt"; then
  rm -rf "$out"
  {
    python3 -m venv "$out/venv" &&
      "$out/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes --requirement test/browser/frontend.txt --dest "$out" &&
      python3 -m zipfile -e "$out"/*.whl "$out/package"
  } > "$log" 2>&1 || skip "ComfyUI's frontend cannot be fetched from PyPI"
  rm -rf "$out/venv" "$out"/*.whl
  cp test/browser/frontend.txt "$out"
fi

cd test/browser
FRONTEND="$out/package/comfyui_frontend_package/static" go test -count=1 -v -timeout 10m .
