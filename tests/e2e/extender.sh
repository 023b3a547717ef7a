#!/usr/bin/env bash
# The extender example: a scheduler that asks a Python program, over HTTP, which nodes it takes.
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
fail() { echo "FAILED: $*"; tail -20 "$work"/*.log; exit 1; }

port=$((20000 + RANDOM % 10000))
python3 examples/extender/extender.py --port "$port" >"$work/extender.log" 2>&1 &
pids+=($!)
sed "s/:8888/:$port/" examples/extender/config.yaml >"$work/config.yaml"
"$berth" apiserver --store memory --insecure-port 0 --kubeconfig "$work/kubeconfig" \
  >"$work/apiserver.log" 2>&1 &
pids+=($!)
for _ in $(seq 100); do [ -s "$work/kubeconfig" ] && break; sleep 0.1; done
"$berth" nodes --count 4 --kubeconfig "$work/kubeconfig" >"$work/nodes.log" 2>&1 &
pids+=($!)
"$berth" scheduler --config "$work/config.yaml" --kubeconfig "$work/kubeconfig" --secure-port 0 \
  >"$work/scheduler.log" 2>&1 &
pids+=($!)
server=$(sed -n 's/^ *server: *//p' "$work/kubeconfig" | head -1)
for _ in $(seq 100); do
  nodes=$(curl -sf "$server/api/v1/nodes" | jq -r '.items[].metadata.name' || true)
  [ "$(wc -w <<<"$nodes")" -eq 4 ] && break
  sleep 0.1
done
set -- $nodes
[ $# -eq 4 ] || fail "four nodes did not come"

label() {
  curl -sf -X PATCH -H 'Content-Type: application/merge-patch+json' "$server/api/v1/nodes/$1" \
    -d "{\"metadata\":{\"labels\":{\"team\":\"$2\",\"cost\":\"$3\"}}}" >/dev/null
}
label "$1" blue 9; label "$2" blue 1; label "$3" red 0
pod() {
  curl -sf -H 'Content-Type: application/json' "$server/api/v1/namespaces/default/pods" -d "{
    \"apiVersion\":\"v1\",\"kind\":\"Pod\",
    \"metadata\":{\"name\":\"$1\",\"labels\":{\"team\":\"$2\"}},
    \"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}" >/dev/null
}
field() { curl -sf "$server/api/v1/namespaces/default/pods/$1" | jq -r "$2"; }
sleep 0.5  # labels are seen
pod blue blue; pod green green
for _ in $(seq 100); do [ "$(field blue '.spec.nodeName')" != null ] && break; sleep 0.1; done
[ "$(field blue '.spec.nodeName')" = "$2" ] ||
  fail "pod blue is on $(field blue '.spec.nodeName'), not on the cheap node of its team, $2"
for _ in $(seq 100); do
  message=$(field green '.status.conditions[0].message')
  [ "$message" != null ] && break
  sleep 0.1
done
[[ "$message" = "0/4 nodes are available: 4 node(s) didn't belong to team green."* ]] ||
  fail "pod green: $message"
echo "the extender chose $2 for its team's pod, and said why the other fits nowhere"
