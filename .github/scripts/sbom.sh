#!/usr/bin/env bash
# Lists what the program is made of, as CycloneDX, out of the lock files: one file for each package in the folder OUT. Only what runs in production is in
# it; the image's attestation, which the build makes, has Debian's packages besides.
set -euo pipefail
: "${OUT?}"
mkdir -p "$OUT"
(cd src/backend && npm sbom --package-lock-only --omit dev --sbom-format cyclonedx --sbom-type application) >"$OUT/borrow-rate-engine.cdx.json"
jq --exit-status '.bomFormat == "CycloneDX" and (.components | length > 50) and all(.components[]; .purl | startswith("pkg:npm/"))' \
  "$OUT/borrow-rate-engine.cdx.json" >/dev/null
echo "$(jq '.components | length' "$OUT/borrow-rate-engine.cdx.json") components in $OUT/borrow-rate-engine.cdx.json"
