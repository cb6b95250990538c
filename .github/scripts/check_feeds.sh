#!/usr/bin/env bash
# Whether the data service of ENV reaches its feeds, asked from inside.
set -euo pipefail
: "${ENV?}"
answer=$(kubectl exec deployment/data-service --namespace "borrow-rate-engine-$ENV" -- curl -s http://localhost:8000/health/external)
printf '%s\n' "$answer"
jq --exit-status '.status == "ok"' >/dev/null <<<"$answer"
