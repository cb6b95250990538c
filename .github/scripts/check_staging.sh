#!/usr/bin/env bash
# Whether staging has run VERSION and passed: staging's parameter is written after its integration tests. Writes the digest of the image that
# staging ran to the output `digest`, for production to compare with its own.
set -euo pipefail
: "${VERSION?}"
history=$(aws ssm get-parameter-history --name /borrow-rate-engine/staging/deployed-version --query 'Parameters[].Value' --output text)
if ! tr '\t' '\n' <<<"$history" | grep --quiet --line-regexp --fixed-strings -- "$VERSION"; then
  echo "Staging has not passed with $VERSION. It had: $(tail -c 400 <<<"$history" | tr '\t' ' ')" >&2
  exit 1
fi
digest=$(aws ecr describe-images --repository-name borrow-rate-engine --image-ids imageTag="$VERSION" --query 'imageDetails[0].imageDigest' --output text)
echo "digest=$digest" >>"${GITHUB_OUTPUT:-/dev/null}"
echo "staging passed with $VERSION, $digest"
