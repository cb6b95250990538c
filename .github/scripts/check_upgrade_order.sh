#!/usr/bin/env bash
# Whether a cluster may take the next step of an upgrade to TARGET (as 1.36), so that the order is kept: control plane first, then nodes, a minor
# version at a time. PHASE: `control-plane` before it is upgraded, `nodes` before they are, `after` when all is done.
set -euo pipefail
: "${ENV?}" "${TARGET?}" "${PHASE?}"
namespace=borrow-rate-engine-$ENV
if ! [[ $TARGET =~ ^1\.[1-9][0-9]$ ]]; then
  echo "\"$TARGET\" is no version of Kubernetes: write it as 1.36." >&2
  exit 1
fi
minor() { sed -E 's/^v?1\.([0-9]+).*/\1/' <<<"$1"; }
target=$(minor "$TARGET")
cluster=$(minor "$(aws eks describe-cluster --name "$namespace" --query cluster.version --output text)")
mapfile -t nodes < <(kubectl get nodes --output 'jsonpath={range .items[*]}{.status.nodeInfo.kubeletVersion}{"\n"}{end}' | sort -u)
refuse() {
  echo "$1" >&2
  exit 1
}
if [ ${#nodes[@]} = 0 ]; then refuse "There are no nodes."; fi
for node in "${nodes[@]}"; do
  if [ "$(minor "$node")" -gt "$cluster" ]; then refuse "Nodes are at $node, before the control plane at 1.$cluster."; fi
done
case $PHASE in
  control-plane)
    if [ "$((cluster + 1))" != "$target" ]; then refuse "The control plane is at 1.$cluster: the next is 1.$((cluster + 1)), and not $TARGET."; fi
    for node in "${nodes[@]}"; do
      if [ "$(minor "$node")" != "$cluster" ]; then refuse "Nodes are still at $node: the last upgrade is not done."; fi
    done
    ;;
  nodes)
    if [ "$cluster" != "$target" ]; then refuse "The control plane is at 1.$cluster: it comes before the nodes."; fi
    ;;
  after)
    for node in "${nodes[@]}"; do
      if [ "$cluster" != "$target" ] || [ "$(minor "$node")" != "$target" ]; then refuse "Control plane at 1.$cluster, nodes at $node: not $TARGET."; fi
    done
    ;;
  *) refuse "\"$PHASE\" is no phase: control-plane, nodes or after." ;;
esac
# Each service must be able to lose a pod, or a node never gets empty.
stuck=$(kubectl get poddisruptionbudgets --namespace "$namespace" --output json |
  jq --raw-output '.items[] | select((.status.disruptionsAllowed // 1) < 1) | .metadata.name')
if [ -n "$stuck" ] && [ "$PHASE" != after ]; then refuse "No pod may go of: $(paste -s -d ' ' <<<"$stuck")"; fi
echo "$PHASE: control plane 1.$cluster, nodes ${nodes[*]}, target $TARGET"
