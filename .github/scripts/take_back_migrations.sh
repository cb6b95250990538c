#!/usr/bin/env bash
# Takes back the last MIGRATIONS migrations in ENV by the image of VERSION, which is the one that has their down parts. None: nothing is done.
set -euo pipefail
: "${ENV?}" "${VERSION?}" "${ECR_REPO?}"
if [ "${MIGRATIONS:-0}" = 0 ]; then
  echo "no migration to take back"
  exit 0
fi
if ! [[ $MIGRATIONS =~ ^[1-9][0-9]?$ ]]; then
  echo "\"$MIGRATIONS\" is no number of migrations." >&2
  exit 1
fi
namespace=borrow-rate-engine-$ENV
sed "s|image: .*|image: $ECR_REPO/borrow-rate-engine:$VERSION|g" infrastructure/kubernetes/jobs/database-shell.yaml |
  kubectl replace --force --namespace "$namespace" -f -
kubectl wait --namespace "$namespace" --for=condition=ready --timeout=120s pod/database-shell
kubectl exec --namespace "$namespace" pod/database-shell -- python -m scripts.run_migrations --command downgrade --steps "$MIGRATIONS"
kubectl delete --namespace "$namespace" --wait=false pod/database-shell
