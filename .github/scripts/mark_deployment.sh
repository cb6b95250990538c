#!/usr/bin/env bash
# Tells monitoring that VERSION was deployed to ENV, with STATUS (succeeded, failed, rolled-back): `deployment_info` for Prometheus by a Pushgateway, and a
# mark in Grafana's graphs. Where an address is not given that part is left out; a mark that does not get through fails no deployment.
set -euo pipefail
: "${ENV?}" "${VERSION?}" "${STATUS?}"
now=$(date +%s)
if [ -n "${PUSHGATEWAY_URL-}" ]; then
  # PUT takes away what was there in this group: of an environment there is one state.
  printf '%s\n' '# HELP deployment_info The last deployment; the value is always 1.' '# TYPE deployment_info gauge' \
    "deployment_info{version=\"$VERSION\",status=\"$STATUS\"} 1" \
    '# HELP deployment_timestamp_seconds When it was.' '# TYPE deployment_timestamp_seconds gauge' "deployment_timestamp_seconds $now" |
    curl --silent --show-error --fail-with-body --max-time 15 --request PUT --data-binary @- "$PUSHGATEWAY_URL/metrics/job/deployment/environment/$ENV" ||
    echo "::warning::The Pushgateway did not take the deployment."
else
  echo "no Pushgateway: PUSHGATEWAY_URL is not set"
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
