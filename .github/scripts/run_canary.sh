#!/usr/bin/env bash
# The canary of VERSION in production, stage by stage, judged by Prometheus at PROMETHEUS_URL. It withdraws itself when it is judged bad; what it saw is
# left in canary-report.json.
set -euo pipefail
: "${VERSION?}" "${PROMETHEUS_URL?}"
report=$PWD/canary-report.json
cd src/backend
exec npx --no-install tsx tools/canary.ts run --version "$VERSION" --prometheus "$PROMETHEUS_URL" --report "$report" \
  --stage-minutes "${STAGE_MINUTES:-10}" --wait-minutes "${WAIT_MINUTES:-10}" --look-seconds "${LOOK_SECONDS:-30}" --requests-min "${REQUESTS_MIN:-200}"
