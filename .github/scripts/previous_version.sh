#!/usr/bin/env bash
# What ENV runs now, read before anything changes: the output `version`, empty before the first deployment.
set -euo pipefail
: "${ENV?}"
if version=$(aws ssm get-parameter --name "/borrow-rate-engine/$ENV/deployed-version" --query 'Parameter.Value' --output text 2>said); then
  echo "$ENV runs $version"
elif grep --quiet ParameterNotFound said; then
  version=
  echo "nothing was deployed to $ENV before"
else
  cat said >&2
  exit 1
fi
rm -f said
echo "version=$version" >>"${GITHUB_OUTPUT:-/dev/null}"
