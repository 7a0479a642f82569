#!/usr/bin/env bash
# Brings the AWS CLI of version 2, which has AWS's own transfer client (CRT) and is
# not on PyPI, from Debian's archive into a folder, installs nothing, and leaves a
# program aws2 there. Model sync is measured against it.
set -euo pipefail

to=$1

if ! command -v apt-get > /dev/null || ! [ -x /usr/bin/python3 ]; then
  echo "the AWS CLI 2 comes from Debian's archive, and this is no Debian: it is left out" >&2
  exit 0
fi

rm -rf "$to"
mkdir -p "$to/packages"
cd "$to/packages"

# What is not installed of what it needs.
mapfile -t packages < <(apt-get install --simulate --no-install-recommends awscli 2> /dev/null | awk '/^Inst / {print $2}')

if [ "${#packages[@]}" -eq 0 ] || ! apt-get download "${packages[@]}" > ../log 2>&1; then
  echo "the AWS CLI 2 cannot be had from Debian's archive (apt-get update may help): it is left out" >&2
  exit 0
fi

for p in *.deb; do
  dpkg -x "$p" ..
done

cat > ../aws2 << EOF
#!/bin/sh
PYTHONPATH='$to/usr/lib/python3/dist-packages' exec /usr/bin/python3 '$to/usr/bin/aws' "\$@"
EOF
chmod +x ../aws2
../aws2 --version
