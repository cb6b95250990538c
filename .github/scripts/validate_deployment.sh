#!/usr/bin/env bash
# Whether ENV works, seen from outside: smoke tests, and the critical integration tests where SUBSET says `critical` (`all`: all of them). VERSION is
# what must answer, when it is a version and not a commit.
set -euo pipefail
: "${ENV?}"
words=(--environment "$ENV")
expected=()
if [[ ${VERSION-} =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]]; then expected=(--expect-version "$VERSION"); fi
src/test/scripts/run_smoke_tests.sh "${words[@]}" "${expected[@]}"
case ${SUBSET:-none} in
  none) ;;
  all) src/test/scripts/run_integration_tests.sh "${words[@]}" ;;
  *) src/test/scripts/run_integration_tests.sh "${words[@]}" --subset "$SUBSET" ;;
esac
