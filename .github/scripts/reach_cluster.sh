#!/usr/bin/env bash
# Makes kubectl reach the cluster of ENV. Its API answers inside the network only: the way there is a port of this machine that Session Manager
# carries to the cluster through the bastion. The certificate is still that of the cluster. The tunnel ends with the job.
set -euo pipefail
: "${ENV?}"
PORT=${CLUSTER_TUNNEL_PORT:-8443}
WAIT_SECONDS=60
name=borrow-rate-engine-$ENV
aws eks update-kubeconfig --name "$name" --region us-east-1
host=$(kubectl config view --minify --output 'jsonpath={.clusters[0].cluster.server}')
host=${host#https://}
host=${host%%[:/]*}
bastion=$(aws ec2 describe-instances --filters "Name=tag:Name,Values=$name-bastion" Name=instance-state-name,Values=running \
  --query 'Reservations[0].Instances[0].InstanceId' --output text)
if [ "$bastion" = None ]; then
  echo "There is no bastion in $ENV that runs." >&2
  exit 1
fi
# All its outputs are closed: a step ends when nobody holds them any more.
nohup aws ssm start-session --target "$bastion" --document-name AWS-StartPortForwardingSessionToRemoteHost \
  --parameters "host=$host,portNumber=443,localPortNumber=$PORT" >tunnel.log 2>&1 </dev/null &
until_then=$((SECONDS + WAIT_SECONDS))
until (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; do
  if [ "$SECONDS" -ge "$until_then" ]; then
    cat tunnel.log >&2
    echo "No tunnel to $host through $bastion after $WAIT_SECONDS s." >&2
    exit 1
  fi
  sleep 0.2
done
cluster=$(kubectl config view --minify --output 'jsonpath={.clusters[0].name}')
kubectl config set-cluster "$cluster" --server="https://127.0.0.1:$PORT" --tls-server-name="$host" >/dev/null
kubectl config set-context --current --namespace="$name" >/dev/null
kubectl get deployments --namespace "$name" --output name
