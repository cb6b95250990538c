#!/usr/bin/env bash
# Asks the registry whether a known hole is in what runs in production (high or worse fails), and in what builds and tests it (critical fails).
set -euo pipefail
for folder in src/backend src/backend/infrastructure; do
  echo "::group::$folder"
  (cd "$folder" && npm audit --package-lock-only --omit=dev --audit-level=high && npm audit --package-lock-only --audit-level=critical)
  echo "::endgroup::"
done
