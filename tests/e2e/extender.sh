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
    \"spec\":{\"schedulerName\":\"${scheduler:-default-scheduler}\",
    \"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}" >/dev/null
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

# The same over TLS, verified by an authority of its own; and one that shows another certificate.
for name in extender other; do
  openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj "/CN=$name" \
    -addext subjectAltName=IP:127.0.0.1 -keyout "$work/$name-key.pem" -out "$work/$name.pem" \
    2>/dev/null
done
tls_port=$((port + 1))
python3 examples/extender/extender.py --port "$tls_port" --tls-cert "$work/extender.pem" \
  --tls-key "$work/extender-key.pem" >"$work/tls.log" 2>&1 &
pids+=($!)
for name in trusting doubting; do
  authority=extender.pem
  [ "$name" = trusting ] || authority=other.pem
  sed "s|http://127.0.0.1:$port|https://127.0.0.1:$tls_port|" "$work/config.yaml" \
    >"$work/$name.yaml"
  cat >>"$work/$name.yaml" <<YAML
  enableHTTPS: true
  tlsConfig: {caFile: $work/$authority}
profiles: [{schedulerName: $name}]
YAML
  "$berth" scheduler --config "$work/$name.yaml" --kubeconfig "$work/kubeconfig" --secure-port 0 \
    >"$work/$name.log" 2>&1 &
  pids+=($!)
done
scheduler=trusting pod trusted blue
scheduler=doubting pod doubted blue
for _ in $(seq 100); do [ "$(field trusted '.spec.nodeName')" != null ] && break; sleep 0.1; done
[ "$(field trusted '.spec.nodeName')" = "$2" ] ||
  fail "over TLS: pod trusted is on $(field trusted '.spec.nodeName'), not on $2"
for _ in $(seq 100); do
  message=$(field doubted '.status.conditions[0].message')
  [ "$message" != null ] && break
  sleep 0.1
done
[[ "$message" = *"failed to verify certificate"* ]] || fail "pod doubted: $message"
echo "the extender chose $2 for its team's pod, and said why the other fits nowhere"
