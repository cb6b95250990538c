#!/usr/bin/env bash
# Takes out of production what this deployment's canary run changed there, and nothing else: a canary that is still there is withdrawn, a release that was
# finished is rolled back. LAST_RUN is the run before it; empty, the deployment did not come so far as to look, and changed nothing.
set -euo pipefail
: "${LAST_RUN?}"
cd src/backend
if [ -z "$LAST_RUN" ]; then
  echo "no run was begun"
  exit 0
fi
record=$(npx --no-install tsx tools/canary.ts status)
if [ "$(jq --raw-output '.id // "none"' <<<"$record")" = "$LAST_RUN" ]; then
  echo "no run was begun"
  exit 0
fi
phase=$(jq --raw-output .phase <<<"$record")
case $phase in
  open | stuck) npx --no-install tsx tools/canary.ts abort --reason "the deployment failed" ;;
  promoted) npx --no-install tsx tools/canary.ts undo --reason "the deployment failed" ;;
  *) echo "the run has undone all by itself: $(jq --raw-output '"\(.version) \(.phase), \(.reason)"' <<<"$record")" ;;
esac
