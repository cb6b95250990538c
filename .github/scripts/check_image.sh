#!/usr/bin/env bash
# Whether the registry of this environment has the image of VERSION, whether it is the one with EXPECTED_DIGEST (left out: any), and whether the
# registry's scan found nothing that is critical.
set -euo pipefail
: "${VERSION?}"
SCAN_TRIES=${SCAN_TRIES:-40}
SCAN_WAIT_SECONDS=${SCAN_WAIT_SECONDS:-15}
if ! digest=$(aws ecr describe-images --repository-name borrow-rate-engine --image-ids imageTag="$VERSION" --query 'imageDetails[0].imageDigest' --output text); then
  echo "The registry has no image of $VERSION. The workflow of the release brings it there." >&2
  exit 1
fi
if [ -n "${EXPECTED_DIGEST-}" ] && [ "$digest" != "$EXPECTED_DIGEST" ]; then
  echo "The image of $VERSION is $digest, and staging ran $EXPECTED_DIGEST." >&2
  exit 1
fi
for ((try = 1; ; try += 1)); do
  scan=$(aws ecr describe-image-scan-findings --repository-name borrow-rate-engine --image-id imageTag="$VERSION" \
    --query '[imageScanStatus.status, imageScanFindings.findingSeverityCounts]' --output json 2>/dev/null) || scan='["PENDING",null]'
  status=$(jq --raw-output '.[0]' <<<"$scan")
  case $status in
    # An image is scanned when it is pushed, and with the enhanced scan of Inspector all the time.
    COMPLETE | ACTIVE) break ;;
    FAILED | UNSUPPORTED_IMAGE | FINDINGS_UNAVAILABLE | SCAN_ELIGIBILITY_EXPIRED)
      echo "The registry could not scan the image of $VERSION: $status." >&2
      exit 1
      ;;
  esac
  if [ "$try" -ge "$SCAN_TRIES" ]; then
    echo "The scan of $VERSION is not done after $((try * SCAN_WAIT_SECONDS)) s: $status." >&2
    exit 1
  fi
  sleep "$SCAN_WAIT_SECONDS"
done
critical=$(jq '.[1].CRITICAL // 0' <<<"$scan")
if [ "$critical" -gt 0 ]; then
  echo "The scan of $VERSION has $critical critical findings." >&2
  exit 1
fi
echo "image of $VERSION: $digest, scanned: $(jq --compact-output '.[1] // {}' <<<"$scan")"
