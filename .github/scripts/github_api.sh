# shellcheck shell=bash
# For scripts to source. `github METHOD PATH [JSON]` asks GitHub's API about this repository and prints the answer; it fails as curl does,
# and shows what GitHub said. Needs GITHUB_TOKEN, and GITHUB_API_URL and GITHUB_REPOSITORY as every step has them.
: "${GITHUB_TOKEN?the step does not give it}" "${GITHUB_API_URL?}" "${GITHUB_REPOSITORY?}"

github() {
  local method=$1 path=$2 body=${3-}
  local words=(--silent --show-error --fail-with-body --max-time 30 --retry 3 --request "$method")
  if [ -n "$body" ]; then
    words+=(--header 'Content-Type: application/json' --data-binary @-)
  fi
  # The token goes by a file that is not there for others to see, as curl's own arguments would be.
  printf '%s' "$body" | curl "${words[@]}" \
    --config <(printf 'header = "Authorization: Bearer %s"\n' "$GITHUB_TOKEN") \
    --header 'Accept: application/vnd.github+json' --header 'X-GitHub-Api-Version: 2022-11-28' \
    "$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/$path"
}
