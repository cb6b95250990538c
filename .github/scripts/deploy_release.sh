#!/usr/bin/env bash
# Puts VERSION in place in ENV by rolling update, from the manifests in MANIFESTS (left out: this checkout's), and waits until all five services
# run it.
set -euo pipefail
: "${ENV?}" "${VERSION?}" "${ECR_REPO?}"
namespace=borrow-rate-engine-$ENV
services=(api-gateway calculation-service data-service cache-service audit-service)
(cd "${MANIFESTS:-infrastructure/kubernetes}/overlays/$ENV" && sed -i "s|image: .*|image: $ECR_REPO/borrow-rate-engine:$VERSION|g" kustomization.yaml)
kubectl apply -k "${MANIFESTS:-infrastructure/kubernetes}/overlays/$ENV"
for service in "${services[@]}"; do
  kubectl rollout status "deployment/$service" --namespace "$namespace" --timeout="${ROLLOUT_TIMEOUT:-900s}"
done
