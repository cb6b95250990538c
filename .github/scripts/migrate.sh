#!/usr/bin/env bash
# Runs the migrations of VERSION in ENV, by the job that holds the owner's address. The output `migrations` says how many were applied, and `contract`
# whether one of them took something away: on that the version before does not start, and a rollback takes them back first.
set -euo pipefail
: "${ENV?}" "${VERSION?}" "${ECR_REPO?}"
namespace=borrow-rate-engine-$ENV
sed "s|image: .*|image: $ECR_REPO/borrow-rate-engine:$VERSION|g" infrastructure/kubernetes/jobs/db-migrate.yaml |
  kubectl replace --force --namespace "$namespace" -f -
status=0
kubectl wait --namespace "$namespace" --for=condition=complete --timeout="${MIGRATION_TIMEOUT:-1800s}" job/db-migrate || status=$?
log=$(kubectl logs --namespace "$namespace" job/db-migrate) || true
printf '%s\n' "$log"
migrations=$(grep --count --extended-regexp '^applied [0-9]{4}_' <<<"$log" || true)
contract=false
if grep --quiet --extended-regexp '^applied [0-9]{4}_[a-z0-9_]*_contract$' <<<"$log"; then contract=true; fi
{
  echo "migrations=$migrations"
  echo "contract=$contract"
} >>"${GITHUB_OUTPUT:-/dev/null}"
exit "$status"
