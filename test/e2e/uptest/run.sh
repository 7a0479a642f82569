#!/usr/bin/env bash
# Runs uptest over test/e2e/*.yaml: run.sh CLOUD FAULT TIMEOUT. On the bed it starts
# one, and ends it. With CLOUD=aws it uses the management cluster of your current
# kubeconfig, and real money. However it ends, the studio is deleted and AWS is
# asked what is left; the exit code is 0 only if all went well and nothing is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

cloud=$1 fault=$2 timeout=$3
bin=$PWD/_output/bin out=$PWD/_output/e2e
here=test/e2e/uptest

export KUBECTL=${E2E_KUBECTL:-$bin/kubectl} CHAINSAW=$bin/chainsaw CROSSPLANE_CLI=$PWD/$here/crossplane.sh
export E2E_CLOUD=$cloud E2E_CROSSPLANE=$bin/crossplane E2E_BED=$bin/bed E2E_BED_DIR=$out/bed
export E2E_NAMESPACE=comfyui-studio-e2e

# chainsaw's own steps call kubectl by its name.
mkdir -p "$out/path"
ln -sf "$bin/kubectl" "$out/path/kubectl"
export PATH=$out/path:$PATH

case $cloud in
bed)
  export E2E_NAME=e2e E2E_REGION=ap-northeast-1 E2E_TIMEOUT=${timeout:-300s}
  ;;
aws)
  export E2E_NAME E2E_REGION=${E2E_REGION:-us-east-1} E2E_TIMEOUT=${timeout:-5400s}
  # No other run's, and short enough for every name that is derived from it.
  E2E_NAME=e2e-$(date +%y%m%d%H%M%S)
  ;;
*)
  echo "UPTEST_CLOUD is bed or aws, not $cloud" >&2
  exit 2
  ;;
esac

# guard asks before it spends money, and does not start beside what another run
# left.
guard() {
  cat << EOF
This makes a studio in AWS, in $E2E_REGION, through the management cluster of
context $("$KUBECTL" config current-context):
  time   about 40 minutes until it is Ready and 25 until it is gone; at most
         twice $E2E_TIMEOUT, with the cleaning up
  cost   about 1 USD: 0.34 USD an hour for cluster, system nodes, NAT and load
         balancer, and the builds of the image; no GPU is started. What the run
         leaves behind goes on costing that: it ends with an error if it does
Both are computed, from status.cost and the builds' size, and not yet measured.
EOF

  if [[ ${E2E_CONFIRM:-} != yes ]]; then
    echo "run it with E2E_CONFIRM=yes if that is what you want" >&2
    exit 2
  fi

  aws sts get-caller-identity --output text --query Arn

  local others
  others=$("$KUBECTL" -n "$E2E_NAMESPACE" get comfyuistudios,managed -o name 2> /dev/null || true)
  if [[ -n $others ]]; then
    printf 'another run left this behind, or is under way:\n%s\n' "$others" >&2
    exit 1
  fi
}

# clean deletes the studio however the run ended: uptest deletes nothing when a
# studio does not get Ready.
clean() {
  local status=$?
  trap - EXIT INT TERM

  if [[ $cloud == aws ]]; then
    "$KUBECTL" -n "$E2E_NAMESPACE" delete comfyuistudio "$E2E_NAME" --ignore-not-found --wait=false || status=1
    $here/teardown.sh || {
      status=1
      echo "NOT ALL IS GONE, AND IT COSTS MONEY: see docs/runbooks/delete.md; $E2E_NAMESPACE/$E2E_NAME in $E2E_REGION" >&2
    }
  else
    "$bin/bed" down --dir "$E2E_BED_DIR" || status=1
  fi

  exit "$status"
}

if [[ $cloud == aws ]]; then
  guard
  trap clean EXIT INT TERM
else
  trap clean EXIT INT TERM
  "$bin/bed" up --detach --dir "$E2E_BED_DIR" ${fault:+--fault "$fault"}
  export KUBECONFIG=$E2E_BED_DIR/kubeconfig
fi

cat > "$out/data.yaml" << EOF
name: $E2E_NAME
namespace: $E2E_NAMESPACE
region: $E2E_REGION
EOF

# Its update changes spec.forProvider, and its import restarts Deployments and runs a
# script from the internet: neither is for studios.
"$bin/uptest" e2e "$(find test/e2e -maxdepth 1 -name '*.yaml' | sort | paste -sd,)" \
  --data-source="$out/data.yaml" --test-directory="$out/uptest" \
  --setup-script=$here/setup.sh --teardown-script=$here/teardown.sh \
  --default-timeout="$E2E_TIMEOUT" --default-conditions=Synced,Ready \
  --skip-update --skip-import --only-clean-uptest-resources
