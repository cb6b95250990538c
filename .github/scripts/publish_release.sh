#!/usr/bin/env bash
# Makes the release of TAG on GitHub with the notes in release-notes.md. One that is there already is left as it is.
set -euo pipefail
: "${TAG?}"
# shellcheck source=.github/scripts/github_api.sh
. "$(dirname "${BASH_SOURCE[0]}")/github_api.sh"
if github GET "releases/tags/$TAG" >/dev/null 2>&1; then
  echo "the release $TAG is there"
  exit 0
fi
github POST releases "$(jq --null-input --arg tag "$TAG" --rawfile notes release-notes.md '{tag_name: $tag, name: $tag, body: $notes}')" | jq --raw-output .html_url
