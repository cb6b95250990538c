#!/usr/bin/env bash
# Lists what the program is made of, as CycloneDX, out of the lock file, into the folder OUT. Only what runs in production is in it; the image's
# attestation, which the build makes, has Debian's packages besides.
set -euo pipefail
: "${OUT?}"
mkdir -p "$OUT"
list=$OUT/borrow-rate-engine.cdx.json
# npm's own --omit dev leaves out what runs in production and what a tool of development wants as well: here it is what npm marks as development alone.
(cd src/backend && npm sbom --package-lock-only --sbom-format cyclonedx --sbom-type application) | jq '
  .components |= map(select(any(.properties[]?; .name == "cdx:npm:package:development") | not))
  | ([.components[]."bom-ref"] + [.metadata.component."bom-ref"]) as $there
  | .dependencies |= (map(select(.ref | IN($there[]))) | map(.dependsOn |= map(select(IN($there[])))))' >"$list"
jq --exit-status '.bomFormat == "CycloneDX" and (.components | length > 50) and all(.components[]; .purl | startswith("pkg:npm/"))' "$list" >/dev/null
echo "$(jq '.components | length' "$list") components in $list"
