# Installs what a lock names. With LOCK and ENVIRONMENT set.
set -euo pipefail
: "${LOCK:?}" "${ENVIRONMENT:?}"

uv venv --quiet "$ENVIRONMENT"
export VIRTUAL_ENV="$ENVIRONMENT"

# What comes from git has a commit and no hash.
grep -v ' @ git+' "$LOCK" > hashed.txt
uv pip sync --quiet --require-hashes hashed.txt
if grep ' @ git+' "$LOCK" > commits.txt; then uv pip install --quiet --no-deps --requirement commits.txt; fi
