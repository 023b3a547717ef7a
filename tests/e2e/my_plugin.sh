#!/usr/bin/env bash
# The out-of-tree example: installed berth, find_package, one plugin, a pod scheduled by it.
set -euo pipefail
cd "$(dirname "$0")/../.."
berth=${BERTH:-build/release/bin/berth}
work=$(mktemp -d)
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

lines=$(grep -cvE '^\s*(//.*)?$' examples/my_plugin/my_plugin.cc)
[ "$lines" -le 40 ] || { echo "FAILED: the example has $lines lines of code, more than 40"; exit 1; }

cmake --install build/release --prefix "$work/prefix" >"$work/install.log" 2>&1 ||
  { tail -20 "$work/install.log"; exit 1; }
{ cmake -S examples/my_plugin -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_PREFIX_PATH="$work/prefix" && cmake --build "$work/build"; } >"$work/build.log" 2>&1 ||
  { tail -40 "$work/build.log"; echo "FAILED: the example does not build"; exit 1; }

"$berth" up --nodes 3 --store memory --port 0 --kubeconfig "$work/kubeconfig" >"$work/up.log" 2>&1 &
pids+=($!)
for _ in $(seq 100); do [ -s "$work/kubeconfig" ] && break; sleep 0.1; done
"$work/build/my-scheduler" --config examples/my_plugin/config.yaml \
  --kubeconfig "$work/kubeconfig" >"$work/scheduler.log" 2>&1 &
pids+=($!)

server=$(sed -n 's/^ *server: *//p' "$work/kubeconfig" | head -1)
for _ in $(seq 100); do curl -sf "$server/readyz" >/dev/null && break; sleep 0.1; done
curl -sf -H 'Content-Type: application/json' "$server/api/v1/namespaces/default/pods" -d '{
  "apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},
  "spec":{"schedulerName":"my-scheduler","containers":[{"name":"c","image":"i"}]}}' >/dev/null
for _ in $(seq 150); do
  node=$(curl -sf "$server/api/v1/namespaces/default/pods/p" | jq -r '.spec.nodeName // empty')
  [ -n "$node" ] && { echo "the example's scheduler bound the pod to $node"; exit 0; }
  sleep 0.1
done
echo "FAILED: the example's scheduler bound nothing"; tail -20 "$work/scheduler.log"
exit 1
