#!/usr/bin/env bash
# Looks for known vulnerabilities in what packages call: those that are named, or
# the front door and the agent. The database is Go's of today; where that is out of
# reach it is the one of the day below, from the module proxy.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
database=golang.org/x/vulndb@v0.0.0-20261105234957-e22db6528018
bin="$PWD/_output/bin/govulncheck"

mkdir -p _output/bin
(cd hack/vulncheck && go build -o "$bin" golang.org/x/vuln/cmd/govulncheck)

db=https://vuln.go.dev
if ! curl --fail --silent --max-time 15 --output /dev/null "$db/index/db.json"; then
  echo "vuln.go.dev does not answer: taking $database"
  db="file://$(go mod download -json "$database" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')/data/osv"
fi

[ $# -gt 0 ] || set -- ./gateway/... ./cmd/studio-agent/...
"$bin" -db "$db" "$@"
