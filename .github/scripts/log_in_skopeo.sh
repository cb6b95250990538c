# shellcheck shell=bash
# For scripts to source. Logs skopeo in to the registry of this environment, REGISTRY, for as long as the job lasts.
: "${REGISTRY?}"
export REGISTRY_AUTH_FILE=$RUNNER_TEMP/registry-auth.json
aws ecr get-login-password --region us-east-1 | skopeo login --username AWS --password-stdin "$REGISTRY"
