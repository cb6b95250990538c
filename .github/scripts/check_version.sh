#!/usr/bin/env bash
# Whether VERSION is a version that a release can have: MAJOR.MINOR.PATCH, as it stands in package.json and, with a v before it, in git's tags.
# Writes it to the step's output `version`, for everything after this to use.
set -euo pipefail
: "${VERSION?}"
if ! [[ $VERSION =~ ^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$ ]]; then
  echo "\"$VERSION\" is no version: write it as 1.4.0, without a v before it." >&2
  exit 1
fi
echo "version=$VERSION" >>"${GITHUB_OUTPUT:-/dev/null}"
echo "version $VERSION"
