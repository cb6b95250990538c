#!/usr/bin/env bash
# Whether APPROVED_BY is who approved this run in GitHub's environment, and not who started it. A name that somebody types proves nothing: what
# counts is the review that GitHub recorded (https://docs.github.com/en/actions/managing-workflow-runs/reviewing-deployments).
set -euo pipefail
: "${APPROVED_BY?}" "${APPROVAL_ENVIRONMENT?}" "${GITHUB_RUN_ID?}" "${GITHUB_ACTOR?}"
# shellcheck source=.github/scripts/github_api.sh
. "$(dirname "${BASH_SOURCE[0]}")/github_api.sh"

if ! [[ $APPROVED_BY =~ ^[A-Za-z0-9][A-Za-z0-9-]{0,38}$ ]]; then
  echo "approved_by must be a login of GitHub." >&2
  exit 1
fi
approvers=$(github GET "actions/runs/$GITHUB_RUN_ID/approvals" |
  jq --raw-output --arg environment "$APPROVAL_ENVIRONMENT" \
    '.[] | select(.state == "approved" and any(.environments[]; .name == $environment)) | .user.login')
if [ -z "$approvers" ]; then
  echo "Nobody approved this run: the environment $APPROVAL_ENVIRONMENT has no required reviewers (tools/github-environments.ts sets them)." >&2
  exit 1
fi
if ! grep --quiet --ignore-case --line-regexp --fixed-strings -- "$APPROVED_BY" <<<"$approvers"; then
  echo "This run was approved by $(paste -s -d ' ' <<<"$approvers"), and not by $APPROVED_BY." >&2
  exit 1
fi
if [ "${APPROVED_BY,,}" = "${GITHUB_ACTOR,,}" ]; then
  echo "$APPROVED_BY started this run: somebody else has to approve it." >&2
  exit 1
fi
echo "approved by $APPROVED_BY, started by $GITHUB_ACTOR"
