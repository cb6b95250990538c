#!/usr/bin/env bash
# Opens an issue with TITLE, the text of BODY and the labels LABELS (by commas). DEDUP_LABEL says which open issue is about the same: when there is one, it
# gets a comment and no second one is opened. The output `issue` is its number.
set -euo pipefail
: "${TITLE?}" "${BODY?}" "${DEDUP_LABEL?}"
# shellcheck source=.github/scripts/github_api.sh
. "$(dirname "${BASH_SOURCE[0]}")/github_api.sh"

body=$BODY$'\n\n'"${GITHUB_SERVER_URL:-https://github.com}/$GITHUB_REPOSITORY/actions/runs/${GITHUB_RUN_ID:-0}"
open=$(github GET "issues?state=open&per_page=1&labels=$(jq --null-input --raw-output --arg label "$DEDUP_LABEL" '$label | @uri')" | jq '.[0].number // empty')
if [ -n "$open" ]; then
  github POST "issues/$open/comments" "$(jq --null-input --arg body "$body" '{$body}')" >/dev/null
  echo "issue $open is open about this: commented"
else
  open=$(github POST issues "$(jq --null-input --arg title "$TITLE" --arg body "$body" --arg labels "$DEDUP_LABEL,${LABELS-}" \
    '{$title, $body, labels: ($labels | split(",") | map(select(. != "")) | unique)}')" | jq .number)
  echo "opened issue $open"
fi
echo "issue=$open" >>"${GITHUB_OUTPUT:-/dev/null}"
