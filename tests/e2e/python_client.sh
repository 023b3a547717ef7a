#!/usr/bin/env bash
# Debian's python3-kubernetes against `berth up`: lists, watches, patches, evicts.
#   BERTH=build/release/bin/berth tests/e2e/python_client.sh
set -uo pipefail
cd "$(dirname "$0")/../.."
berth=${BERTH:-build/release/bin/berth}
python=/usr/bin/python3  # the one that Debian's packages are for
if ! $python -c 'import kubernetes' 2>/dev/null; then
  echo "FAILED: python3-kubernetes is not installed (tools/install_deps)"
  exit 1
fi
work=$(mktemp -d)
up_pid=
trap '[ -n "$up_pid" ] && kill -INT $up_pid && wait $up_pid; rm -rf "$work"' EXIT
"$berth" up --nodes 3 --data-dir "$work/data" --port 0 --kubeconfig "$work/kubeconfig" >"$work/up.log" 2>&1 &
up_pid=$!
for _ in $(seq 100); do
  [ -s "$work/kubeconfig" ] && break
  sleep 0.1
done
KUBECONFIG=$work/kubeconfig timeout 120 $python tests/e2e/python_client.py
