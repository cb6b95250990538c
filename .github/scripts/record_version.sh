#!/usr/bin/env bash
# Keeps that ENV runs VERSION. Production's is kept under both of its names (docs/operations/deployment.md). Written when it is so already, it
# would be a second entry of the history: then nothing is written.
set -euo pipefail
: "${ENV?}" "${VERSION?}"
names=("$ENV")
if [ "$ENV" = prod ]; then names+=(production); fi
for name in "${names[@]}"; do
  parameter=/borrow-rate-engine/$name/deployed-version
  now=$(aws ssm get-parameter --name "$parameter" --query 'Parameter.Value' --output text 2>/dev/null) || now=
  if [ "$now" != "$VERSION" ]; then
    aws ssm put-parameter --name "$parameter" --value "$VERSION" --type String --overwrite --query Version --output text >/dev/null
  fi
  echo "$parameter is $VERSION"
done
