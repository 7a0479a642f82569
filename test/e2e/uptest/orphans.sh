#!/usr/bin/env bash
# Asks AWS itself, not Kubernetes, whether anything of the studio is left.
set -euo pipefail
# A command that fails inside $(…) ends the script as well.
shopt -s inherit_errexit

if [[ $E2E_CLOUD == bed ]]; then
  exec "$E2E_BED" left --dir "$E2E_BED_DIR"
fi

tag=comfyui-studio value=$E2E_NAMESPACE/$E2E_NAME status=0

# say WHAT COMMAND... names what the command finds. One that fails ends the script:
# what could not be asked for is not gone. None is the AWS CLI's word for nothing.
say() {
  local what=$1 found
  shift
  found=$("$@")
  found=$(tr '\t' '\n' <<< "$found" | grep -vE '^(None)?$' || true)

  if [[ -n $found ]]; then
    printf 'left in AWS, %s:\n%s\n' "$what" "$found" >&2
    status=1
  fi
}

# The index lists for hours what is gone, so those of EC2 that cost are asked for at
# the source, and a secret that waits for its end is none that is left.
# shellcheck disable=SC2329 # say calls it.
tagged() {
  local arns
  arns=$(aws resourcegroupstaggingapi get-resources --region "$1" --output text \
    --tag-filters "Key=$tag,Values=$value" --query 'ResourceTagMappingList[].[ResourceARN]')
  grep -vE ':natgateway/|:secret:|:instance/|:volume/' <<< "$arns" || true
}

# CloudFront's are in us-east-1.
for region in "$E2E_REGION" us-east-1; do
  say "$region" tagged "$region"
done

say instances aws ec2 describe-instances --region "$E2E_REGION" --output text \
  --filters "Name=tag:$tag,Values=$value" 'Name=instance-state-name,Values=pending,running,stopping,stopped' \
  --query 'Reservations[].Instances[].[InstanceId]'
say volumes aws ec2 describe-volumes --region "$E2E_REGION" --output text \
  --filters "Name=tag:$tag,Values=$value" --query 'Volumes[].[VolumeId]'
say 'NAT gateways' aws ec2 describe-nat-gateways --region "$E2E_REGION" --output text \
  --filter "Name=tag:$tag,Values=$value" 'Name=state,Values=pending,available,failed' \
  --query 'NatGateways[].[NatGatewayId]'
# IAM is not in the index.
say 'IAM roles' aws iam list-roles --output text --query "Roles[?starts_with(RoleName, '$E2E_NAME-')].[RoleName]"

exit "$status"
