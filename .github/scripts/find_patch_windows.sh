#!/usr/bin/env bash
# Which windows for patches open in two days, as outputs `title`, `body` and `label`; none: empty ones. The same table makes them that makes the windows in AWS.
set -euo pipefail
node src/backend/scripts/install.mjs infrastructure
src/backend/infrastructure/node_modules/.bin/tsx src/backend/infrastructure/workflows/patch-notice.ts >>"${GITHUB_OUTPUT:-/dev/stdout}"
