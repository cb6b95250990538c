#!/usr/bin/env bash
# What this commit's images are called. The commit is always a tag; its version is one too when RELEASES is `true` and no image has it yet, so the first
# commit that says a version is that version. Outputs: `version` (what is deployed), `tags` (whole names, a line each), `pooler-tag`, `build` and
# `build-pooler` (whether they are still to be built).
set -euo pipefail
: "${ECR_REPO?}" "${GITHUB_SHA?}"
has() { aws ecr describe-images --repository-name "$1" --image-ids imageTag="$2" >/dev/null 2>&1; }
said=$(jq --raw-output .version src/backend/package.json)
version=$GITHUB_SHA
build=true
if has borrow-rate-engine "$GITHUB_SHA"; then
  build=false
  # Which of the names this commit's image got the first time.
  tags=$(aws ecr describe-images --repository-name borrow-rate-engine --image-ids imageTag="$GITHUB_SHA" --query 'imageDetails[0].imageTags' --output text)
  if [ "${RELEASES-}" = true ] && tr '\t' '\n' <<<"$tags" | grep --quiet --line-regexp --fixed-strings -- "$said"; then version=$said; fi
elif [ "${RELEASES-}" = true ] && ! has borrow-rate-engine "$said"; then
  version=$said
fi
build_pooler=true
if has borrow-rate-engine-pgbouncer "$version"; then build_pooler=false; fi
{
  echo "version=$version"
  echo "build=$build"
  echo "build-pooler=$build_pooler"
  echo "tags<<END"
  printf '%s\n' "$ECR_REPO/borrow-rate-engine:$GITHUB_SHA"
  if [ "$version" != "$GITHUB_SHA" ]; then printf '%s\n' "$ECR_REPO/borrow-rate-engine:$version"; fi
  echo END
  echo "pooler-tag=$ECR_REPO/borrow-rate-engine-pgbouncer:$version"
} | tee -a "${GITHUB_OUTPUT:-/dev/null}"
