#!/usr/bin/env bash
# Whether the tag TAG is a release: package.json of the program says its version, the changelog has a section for it with something in it, and it lies on
# main or on a branch of a hotfix. Writes the section to release-notes.md.
set -euo pipefail
: "${TAG?}"
VERSION=${TAG#v}
export VERSION
"$(dirname "${BASH_SOURCE[0]}")/check_version.sh"
for file in package.json src/backend/package.json; do
  said=$(jq --raw-output .version "$file")
  if [ "$said" != "$VERSION" ]; then
    echo "$file says $said, the tag says $VERSION." >&2
    exit 1
  fi
done
# From its heading to the next one. A heading is "## 1.4.0" and may go on with a date.
awk -v version="$VERSION" '/^## /{inside = ($2 == version); next} inside' CHANGELOG.md | sed -e '/./,$!d' >release-notes.md
if ! grep --quiet '[^[:space:]]' release-notes.md; then
  echo "CHANGELOG.md has no section \"## $VERSION\" with something in it." >&2
  exit 1
fi
commit=$(git rev-parse "$TAG^{commit}")
branches=$(git for-each-ref --contains "$commit" --format='%(refname:lstrip=3)' refs/remotes/origin/main 'refs/remotes/origin/hotfix/**')
if [ -z "$branches" ]; then
  echo "$TAG is neither on main nor on a branch of a hotfix." >&2
  exit 1
fi
echo "$TAG is on $(paste -s -d ' ' <<<"$branches"); its notes have $(wc -l <release-notes.md) lines"
