#!/usr/bin/env bash
# The newest release before this commit, built beside it, for the test that it runs on this commit's structure of the database: PREVIOUS_ENGINE is where
# its program is. Left empty where there is nothing to try, which is said.
set -euo pipefail
tag=$(git describe --tags --abbrev=0 --match 'v[0-9]*' HEAD^ 2>/dev/null || true)
if [ -z "$tag" ]; then
  echo "There is no release before this commit."
  exit 0
fi
taken=$(git diff --name-only --diff-filter=A "$tag" HEAD -- 'src/backend/database/migrations/*_contract.sql')
if [ -n "$taken" ]; then
  echo "$tag does not start on this structure, and is not meant to: $taken"
  exit 0
fi
folder=${PREVIOUS_FOLDER:-$RUNNER_TEMP/previous-engine}
git worktree add --detach "$folder" "$tag"
node "$folder/src/backend/scripts/install.mjs"
node "$folder/src/backend/scripts/build.mjs"
echo "built $tag"
echo "PREVIOUS_ENGINE=$folder/src/backend/dist/services/borrow-rate-engine.js" >>"${GITHUB_ENV:-/dev/null}"
