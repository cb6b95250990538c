#!/usr/bin/env bash
# Undoes a rolling update to VERSION in ENV: each of the five services that has its image gets back what it had before, the others are left as
# they are.
set -euo pipefail
: "${ENV?}" "${VERSION?}" "${ECR_REPO?}"
namespace=borrow-rate-engine-$ENV
changed=()
for service in api-gateway calculation-service data-service cache-service audit-service; do
  image=$(kubectl get "deployment/$service" --namespace "$namespace" --ignore-not-found --output 'jsonpath={.spec.template.spec.containers[?(@.name=="service")].image}')
  if [ "$image" = "$ECR_REPO/borrow-rate-engine:$VERSION" ]; then changed+=("$service"); fi
done
if [ ${#changed[@]} = 0 ]; then
  echo "no service has the image of $VERSION"
  exit 0
fi
failed=()
for service in "${changed[@]}"; do
  kubectl rollout undo "deployment/$service" --namespace "$namespace" || failed+=("$service")
done
for service in "${changed[@]}"; do
  kubectl rollout status "deployment/$service" --namespace "$namespace" --timeout="${ROLLOUT_TIMEOUT:-900s}" || failed+=("$service")
done
if [ ${#failed[@]} != 0 ]; then
  echo "Not undone: ${failed[*]}" >&2
  exit 1
fi
echo "undone: ${changed[*]}"
