#!/usr/bin/env bash
# Whether VERSION has run in ENV before: going back is only to what is known to work there.
set -euo pipefail
: "${ENV?}" "${VERSION?}"
history=$(aws ssm get-parameter-history --name "/borrow-rate-engine/$ENV/deployed-version" --query 'Parameters[].Value' --output text)
if ! tr '\t' '\n' <<<"$history" | grep --quiet --line-regexp --fixed-strings -- "$VERSION"; then
  echo "$VERSION never ran in $ENV. It had: $(tr '\t' ' ' <<<"$history" | tail -c 400)" >&2
  exit 1
fi
echo "$VERSION ran in $ENV"
