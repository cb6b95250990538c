#!/usr/bin/env bash
# Whether this commit is a hotfix: its branch begins at a release's tag, its version is the next patch of that release, and it has a section in the
# changelog. What else is on main does not come along.
set -euo pipefail
tag=$(git describe --tags --abbrev=0 --match 'v[0-9]*.[0-9]*.[0-9]*' HEAD)
from=$(git merge-base HEAD origin/main)
if ! git merge-base --is-ancestor "$from" "$tag"; then
  echo "The branch has commits of main that are not in $tag: begin it with git switch --create hotfix/… $tag" >&2
  exit 1
fi
version=$(jq --raw-output .version src/backend/package.json)
IFS=. read -r major minor patch <<<"${tag#v}"
if [ "$version" != "$major.$minor.$((patch + 1))" ]; then
  echo "src/backend/package.json says $version; a hotfix of $tag is $major.$minor.$((patch + 1))." >&2
  exit 1
fi
if ! grep --quiet "^## ${version//./\\.}\b" CHANGELOG.md; then
  echo "CHANGELOG.md has no section \"## $version\"." >&2
  exit 1
fi
echo "hotfix $version of $tag: $(git rev-list --count "$tag..HEAD") commits"
