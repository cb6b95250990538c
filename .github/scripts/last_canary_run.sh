#!/usr/bin/env bash
# Which run of the canary was the last before this one, as the output `last-run` (`none` where there was none): what that one changed is not this one's
# to undo, also when both are of one version.
set -euo pipefail
cd src/backend
record=$(npx --no-install tsx tools/canary.ts status)
echo "last-run=$(jq --raw-output '.id // "none"' <<<"$record")" >>"${GITHUB_OUTPUT:-/dev/null}"
jq --raw-output 'if . == null then "no run before" else "before: \(.version), \(.phase) since \(.endedAt)" end' <<<"$record"
