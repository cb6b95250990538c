#!/usr/bin/env bash
# Takes out of production what the run of VERSION changed there, and nothing else: a canary that is still there is withdrawn, a release that was
# finished is rolled back. The record of the last run lies in the cluster; when it is of another version, this one never began.
set -euo pipefail
: "${VERSION?}"
cd src/backend
record=$(npx --no-install tsx tools/canary.ts status)
if [ "$(jq --raw-output '.version // ""' <<<"$record")" != "$VERSION" ]; then
  echo "no run of $VERSION changed anything"
  exit 0
fi
npx --no-install tsx tools/canary.ts abort --reason "a step of the deployment after it failed"
npx --no-install tsx tools/canary.ts undo
