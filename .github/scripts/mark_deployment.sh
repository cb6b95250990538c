#!/usr/bin/env bash
# Tells monitoring that VERSION was deployed to ENV, with STATUS (succeeded, failed, rolled-back): `deployment_info` for Prometheus by a Pushgateway, and a
# mark in Grafana's graphs. Without PUSHGATEWAY_URL it is reached through the cluster, where kubectl reaches that; without GRAFANA_URL there is no mark there.
# What does not get through fails no deployment.
set -euo pipefail
: "${ENV?}" "${VERSION?}" "${STATUS?}"
PORT=9091
WAIT_SECONDS=20
now=$(date +%s)
if [ -z "${PUSHGATEWAY_URL-}" ] && kubectl config current-context >/dev/null 2>&1; then
  kubectl port-forward --namespace monitoring service/prometheus-prometheus-pushgateway "$PORT:9091" >pushgateway.log 2>&1 </dev/null &
  trap 'kill %1 2>/dev/null || true' EXIT
  for ((waited = 0; waited < WAIT_SECONDS; waited += 1)); do
    if curl --silent --fail --max-time 5 --output /dev/null "http://127.0.0.1:$PORT/-/ready"; then
      PUSHGATEWAY_URL=http://127.0.0.1:$PORT
      break
    fi
    sleep 1
  done
fi
if [ -n "${PUSHGATEWAY_URL-}" ]; then
  # PUT takes away what was there in this group: of an environment there is one state.
  printf '%s\n' '# HELP deployment_info The last deployment; the value is always 1.' '# TYPE deployment_info gauge' \
    "deployment_info{version=\"$VERSION\",status=\"$STATUS\"} 1" \
    '# HELP deployment_timestamp_seconds When it was.' '# TYPE deployment_timestamp_seconds gauge' "deployment_timestamp_seconds $now" |
    curl --silent --show-error --fail-with-body --max-time 15 --request PUT --data-binary @- "$PUSHGATEWAY_URL/metrics/job/deployment/environment/$ENV" ||
    echo "::warning::The Pushgateway did not take the deployment."
else
  echo "::warning::No Pushgateway was reached: monitoring does not know of this deployment."
fi
if [ -n "${GRAFANA_URL-}" ]; then
  jq --null-input --arg text "$VERSION $STATUS" --arg environment "$ENV" --arg status "$STATUS" --argjson time "${now}000" \
    '{time: $time, text: $text, tags: ["deployment", $environment, $status]}' |
    curl --silent --show-error --fail-with-body --max-time 15 --config <(printf 'header = "Authorization: Bearer %s"\n' "${GRAFANA_TOKEN-}") \
      --header 'Content-Type: application/json' --data-binary @- "$GRAFANA_URL/api/annotations" ||
    echo "::warning::Grafana did not take the mark."
else
  echo "no mark in Grafana: GRAFANA_URL is not set"
fi
