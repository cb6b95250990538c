#!/usr/bin/env bash
# Whether the flows that the desk and its brokers live by work in a deployment. With --help it says what it takes.
# Needs bash, Node and npm, and installs the packages of src/backend when they are not there.
set -euo pipefail
backend=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../backend" && pwd)
if ! command -v node >/dev/null; then
  echo "The validation runs on Node 20.19 or newer, and there is none on the path." >&2
  exit 2
fi
node "$backend/scripts/install.mjs" >&2 || exit 2
exec "$backend/node_modules/.bin/tsx" "$backend/test/deployment/validation/run.ts" integration "$@"
