#!/usr/bin/env bash
# Names the branches of hotfixes whose release is not on main yet, and fails when there is one: what was mended in a hurry comes back with the next
# release unless it is merged back.
set -euo pipefail
left=()
while read -r branch; do
  if [ -n "$(git tag --merged "$branch" --no-merged origin/main --list 'v*')" ]; then left+=("${branch#origin/}"); fi
done < <(git for-each-ref --format='%(refname:lstrip=2)' 'refs/remotes/origin/hotfix/**')
if [ ${#left[@]} != 0 ]; then
  echo "not merged back into main: ${left[*]}"
  exit 1
fi
echo "every hotfix is on main"
