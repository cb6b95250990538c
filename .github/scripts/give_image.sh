#!/usr/bin/env bash
# Puts the images of VERSION, as take_image.sh left them in images/, into production's registry. A tag never moves: what is there already stays.
set -euo pipefail
: "${VERSION?}"
# shellcheck source=.github/scripts/log_in_skopeo.sh
. "$(dirname "${BASH_SOURCE[0]}")/log_in_skopeo.sh"
for name in borrow-rate-engine borrow-rate-engine-pgbouncer; do
  if aws ecr describe-images --repository-name "$name" --image-ids imageTag="$VERSION" >/dev/null 2>&1; then
    echo "$name:$VERSION is there"
  else
    skopeo copy --all --preserve-digests "oci-archive:images/$name.tar:$VERSION" "docker://$REGISTRY/$name:$VERSION"
  fi
done
