#!/usr/bin/env bash
# The monthly drill: the newest snapshot of the database of ENV comes back as an instance beside it, is looked at from a pod beside the database, and is
# removed again, whatever happens. Prints how long it took and how old the data were, and writes both to the run's summary: a drill that nobody wrote
# down did not happen.
set -euo pipefail
: "${ENV?}"
name=borrow-rate-engine-$ENV
drill=$name-drill
describe() { aws rds describe-db-instances --db-instance-identifier "$1" --query "DBInstances[0].$2" --output text; }

# shellcheck disable=SC2016 # the backquotes are the query's
newest=$(aws rds describe-db-snapshots --db-instance-identifier "$name" \
  --query 'sort_by(DBSnapshots[?Status==`available`],&SnapshotCreateTime)[-1].[DBSnapshotIdentifier,SnapshotCreateTime]' --output text)
read -r snapshot taken <<<"$newest"
if [ "${snapshot:-None}" = None ]; then
  echo "There is no snapshot of $name: nothing could be restored." >&2
  exit 1
fi
remove() {
  aws rds delete-db-instance --db-instance-identifier "$drill" --skip-final-snapshot --delete-automated-backups --query DBInstance.DBInstanceStatus --output text ||
    echo "::warning::$drill was not removed: remove it by hand."
  kubectl delete pod/database-shell --namespace "$name" --ignore-not-found --wait=false || true
}
started=$(date +%s)
trap remove EXIT
# One machine, that may be deleted; network, security group and parameters are those of the database.
aws rds restore-db-instance-from-db-snapshot --db-instance-identifier "$drill" --db-snapshot-identifier "$snapshot" \
  --db-subnet-group-name "$(describe "$name" DBSubnetGroup.DBSubnetGroupName)" \
  --vpc-security-group-ids "$(describe "$name" 'VpcSecurityGroups[0].VpcSecurityGroupId')" \
  --db-parameter-group-name "$(describe "$name" 'DBParameterGroups[0].DBParameterGroupName')" \
  --no-multi-az --no-deletion-protection --no-publicly-accessible --query DBInstance.DBInstanceIdentifier --output text
# One wait ends after half an hour, and a large volume takes longer.
for wait in 1 2 3; do
  if aws rds wait db-instance-available --db-instance-identifier "$drill"; then break; fi
  if [ "$wait" = 3 ]; then echo "$drill is still not there." >&2 && exit 1; fi
done
restored=$(($(date +%s) - started))
host=$(describe "$drill" Endpoint.Address)

# As the user that owns the tables, by the address that is mounted there, with the restored host in it.
image=$(kubectl get deployment/api-gateway --namespace "$name" --output 'jsonpath={.spec.template.spec.containers[?(@.name=="service")].image}')
sed "s|image: .*|image: $image|g" infrastructure/kubernetes/jobs/database-shell.yaml | kubectl replace --force --namespace "$name" -f -
kubectl wait --namespace "$name" --for=condition=ready --timeout=120s pod/database-shell
# shellcheck disable=SC2016 # the pod's shell reads it
kubectl exec --namespace "$name" pod/database-shell -- sh -ec '
  umask 077
  sed "s|@[^:/?]*|@$1|" "$DATABASE_DIRECT_URL_FILE" >/tmp/drill-url
  status=0
  DATABASE_DIRECT_URL_FILE=/tmp/drill-url node dist/scripts/check_database.js || status=$?
  rm /tmp/drill-url
  exit $status' sh "$host"
whole=$(($(date +%s) - started))
echo "restored in $restored s, looked at after $whole s; the snapshot is of $taken"
{
  echo "| snapshot | taken | restored after | looked at after |"
  echo "|---|---|---|---|"
  echo "| $snapshot | $taken | $restored s | $whole s |"
} >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
if [ "$restored" -gt "${RESTORE_SECONDS_MAX:-3600}" ]; then
  echo "The restore took longer than ${RESTORE_SECONDS_MAX:-3600} s." >&2
  exit 1
fi
