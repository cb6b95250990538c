#!/usr/bin/env bash
# Brings the images of VERSION out of staging's registry as files in images/, layer for layer and with their attestations: what staging ran is what
# production gets, with the same digest.
set -euo pipefail
: "${VERSION?}"
# shellcheck source=.github/scripts/log_in_skopeo.sh
. "$(dirname "${BASH_SOURCE[0]}")/log_in_skopeo.sh"
mkdir -p images
for name in borrow-rate-engine borrow-rate-engine-pgbouncer; do
  skopeo copy --all --preserve-digests "docker://$REGISTRY/$name:$VERSION" "oci-archive:images/$name.tar:$VERSION"
done
