#!/usr/bin/env bash
# Where Prometheus answers, as PROMETHEUS_URL for the steps after this one: as it was given, else through a port of this machine.
set -euo pipefail
PORT=9090
WAIT_SECONDS=30
url=${PROMETHEUS_URL:-http://127.0.0.1:$PORT}
if [ -z "${PROMETHEUS_URL-}" ]; then
  nohup kubectl port-forward --namespace monitoring service/prometheus-server "$PORT:80" >prometheus.log 2>&1 </dev/null &
fi
for ((waited = 0; ; waited += 1)); do
  if curl --silent --fail --max-time 5 --output /dev/null "$url/-/ready"; then break; fi
  if [ "$waited" -ge "$WAIT_SECONDS" ]; then
    if [ -f prometheus.log ]; then cat prometheus.log >&2; fi
    echo "Prometheus does not answer at $url: nothing can be judged." >&2
    exit 1
  fi
  sleep 1
done
echo "PROMETHEUS_URL=$url" >>"${GITHUB_ENV:-/dev/null}"
echo "Prometheus answers at $url"
