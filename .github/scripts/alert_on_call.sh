#!/usr/bin/env bash
# Calls the engineer on call, by PagerDuty's events (https://developer.pagerduty.com/docs/send-alert-event). The same DEDUP_KEY is the same
# incident. Needs ON_CALL_ROUTING_KEY; without one it says so in the log, and fails nothing.
set -euo pipefail
: "${SUMMARY?}" "${ENV?}" "${DEDUP_KEY?}"
if [ -z "${ON_CALL_ROUTING_KEY-}" ]; then
  echo "::warning::Nobody on call was told: the secret ON_CALL_ROUTING_KEY is not set."
  exit 0
fi
# The key goes by the standard input of both programs: arguments are for everybody on the machine to see.
jq --null-input --arg summary "$SUMMARY" --arg environment "$ENV" --arg dedup "$DEDUP_KEY" \
  --arg link "${GITHUB_SERVER_URL:-https://github.com}/${GITHUB_REPOSITORY-}/actions/runs/${GITHUB_RUN_ID-}" \
  --rawfile key <(printf %s "$ON_CALL_ROUTING_KEY") \
  '{routing_key: $key, event_action: "trigger", dedup_key: $dedup, links: [{href: $link, text: "the run"}],
    payload: {summary: $summary, source: ("borrow-rate-engine-" + $environment), severity: "critical", component: "deployment"}}' |
  curl --silent --show-error --fail-with-body --max-time 30 --retry 3 --header 'Content-Type: application/json' --data-binary @- \
    "${ON_CALL_EVENTS_URL:-https://events.pagerduty.com/v2/enqueue}"
echo
