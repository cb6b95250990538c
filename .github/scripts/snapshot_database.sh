#!/usr/bin/env bash
# A snapshot of the database of ENV before VERSION, waited for. The output `snapshot` is its name: each attempt has one of its own.
set -euo pipefail
: "${ENV?}" "${VERSION?}" "${GITHUB_RUN_ID?}"
snapshot=borrow-rate-engine-$ENV-before-${VERSION//./-}-$GITHUB_RUN_ID-${GITHUB_RUN_ATTEMPT:-1}
aws rds create-db-snapshot --db-instance-identifier "borrow-rate-engine-$ENV" --db-snapshot-identifier "$snapshot" \
  --query 'DBSnapshot.DBSnapshotIdentifier' --output text
aws rds wait db-snapshot-available --db-snapshot-identifier "$snapshot"
echo "snapshot=$snapshot" >>"${GITHUB_OUTPUT:-/dev/null}"
echo "$snapshot is available"
