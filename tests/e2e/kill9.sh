#!/usr/bin/env bash
# kill -9 of any part of a cluster, at any moment, while pods are created: after a restart every
# acknowledged pod ends Running, bound once, started once.
#   BERTH=build/release/bin/berth tests/e2e/kill9.sh [SEED]
#   BERTH_FULL=1: 60 kills in each mode instead of 8
set -uo pipefail
cd "$(dirname "$0")/../.."
berth=$PWD/${BERTH:-build/release/bin/berth}
seed=${1:-$((RANDOM * 32768 + RANDOM))}
RANDOM=$seed
kills=$([ -n "${BERTH_FULL:-}" ] && echo 60 || echo 8)
nodes=$((kills * 3 + 10))   # room for all that is created meanwhile
work=$(mktemp -d)
declare -A pid=()
failures=0
fail() { failures=$((failures + 1)); echo "FAILED: $* (seed $seed)"; }

stop_all() {
  for name in "${!pid[@]}"; do kill -9 "${pid[$name]}" 2>/dev/null; done
  wait 2>/dev/null
  pid=()
}
trap 'stop_all; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
nap() { sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"; }  # milliseconds

start() {  # part
  local args
  case "$1" in
    apiserver) args=(apiserver --data-dir "$dir/state" --insecure-port "$port" --kubeconfig "$dir/kubeconfig") ;;
    nodes) args=(nodes --count "$nodes" --kubeconfig "$dir/kubeconfig") ;;
    scheduler) args=(scheduler --kubeconfig "$dir/kubeconfig" --secure-port 0) ;;
    up) args=(up --nodes "$nodes" --data-dir "$dir/state" --port "$port" --kubeconfig "$dir/kubeconfig") ;;
  esac
  "$berth" "${args[@]}" >>"$dir/$1.log" 2>&1 </dev/null &
  pid[$1]=$!
}

wait_ready() {
  for _ in $(seq 300); do
    [ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/readyz")" = 200 ] && return
    sleep 0.1
  done
  fail "$mode: the API server did not come back"
}

# Creates pods one after the other until told to stop; what was acknowledged goes to acked.
create_pods() {
  local n=0 code
  while [ ! -e "$dir/enough" ]; do
    n=$((n + 1))
    while :; do
      code=$(curl -s -m 10 -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' \
        "http://127.0.0.1:$port/api/v1/namespaces/default/pods" -d \
        '{"metadata":{"name":"pod-'$n'"},"spec":{"containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"10m"}}}]}}')
      # 409: an earlier try was carried out, its answer lost.
      case "$code" in 201|409) echo "pod-$n" >>"$dir/acked"; break ;; esac
      [ -e "$dir/enough" ] && return
      sleep 0.05
    done
  done
}

# Everything any watcher could have seen of a pod: name, uid, node, start of its container.
record() {
  while [ ! -e "$dir/over" ]; do
    curl -sN "http://127.0.0.1:$port/api/v1/namespaces/default/pods?watch=true" |
      jq --unbuffered -r 'select(.type == "ADDED" or .type == "MODIFIED") | .object |
        [.metadata.name, .metadata.uid, .spec.nodeName // "-",
         .status.containerStatuses[0].state.running.startedAt // "-",
         .status.containerStatuses[0].restartCount // 0] | @tsv' >>"$dir/seen" 2>/dev/null
    sleep 0.1
  done
}

# pods that have more than one value in a column of what was seen
several() { cut -f "1,$1" "$dir/seen" | grep -v -- '-$' | sort -u | cut -f 1 | uniq -d | head -5; }

run() {  # mode, parts...
  mode=$1; shift
  local parts=("$@") victim creator recorder
  dir=$work/$mode
  port=$(free_port)
  mkdir -p "$dir"
  : >"$dir/acked"
  : >"$dir/seen"
  for part in "${parts[@]}"; do start "$part"; [ "$part" = nodes ] || [ "$part" = scheduler ] || wait_ready; done
  create_pods & creator=$!
  record & recorder=$!
  for ((i = 0; i < kills; i++)); do
    nap $((RANDOM % 1200 + 100))
    victim=${parts[RANDOM % ${#parts[@]}]}
    kill -9 "${pid[$victim]}"
    wait "${pid[$victim]}" 2>/dev/null
    nap $((RANDOM % 400))
    start "$victim"
  done
  wait_ready
  nap 500
  touch "$dir/enough"
  wait "$creator"
  local acked running end=$((SECONDS + 90))
  acked=$(wc -l <"$dir/acked")
  while :; do
    curl -s "http://127.0.0.1:$port/api/v1/namespaces/default/pods" >"$dir/pods.json"
    running=$(jq '[.items[]? | select(.status.phase == "Running")] | length' "$dir/pods.json" 2>/dev/null || echo 0)
    [ "${running:-0}" -ge "$acked" ] && break
    [ $SECONDS -ge $end ] && break
    sleep 0.3
  done
  nap 500
  touch "$dir/over"
  pkill_children "$recorder"
  jq -r '.items[] | select(.status.phase == "Running") | .metadata.name' "$dir/pods.json" | sort >"$dir/running"
  local lost
  lost=$(sort "$dir/acked" | comm -23 - "$dir/running" | head -5)
  [ -z "$lost" ] || fail "$mode: acknowledged but not Running: $lost"
  # What nobody watched proves nothing: each pod must have been seen running, on its node.
  local unseen
  unseen=$(awk -F '\t' '$3 != "-" && $4 != "-" { print $1 }' "$dir/seen" | sort -u | comm -13 - "$dir/running" | head -5)
  [ -z "$unseen" ] || fail "$mode: not seen by the watcher: $unseen"
  [ "$(several 2)" = "" ] || fail "$mode: became another pod: $(several 2)"
  [ "$(several 3)" = "" ] || fail "$mode: bound twice: $(several 3)"
  [ "$(several 4)" = "" ] || fail "$mode: started twice: $(several 4)"
  cut -f 5 "$dir/seen" | grep -qv '^0$' && fail "$mode: a container was restarted"
  [ "$acked" -gt 20 ] || fail "$mode: only $acked pods were created"
  for part in "${parts[@]}"; do
    grep -E "CHECK failed|check failed|terminate called|Segmentation" "$dir/$part.log" && fail "$mode: $part crashed"
  done
  echo "$mode: $kills kills, $acked pods acknowledged, $(wc -l <"$dir/running") running"
  stop_all
}

# Ends a background loop of this script and what it runs.
pkill_children() {
  local child
  for child in $(ps -o pid= --ppid "$1"); do kill "$child" 2>/dev/null; done
  kill "$1" 2>/dev/null
  wait "$1" 2>/dev/null
}

for tool in jq curl python3; do
  command -v $tool >/dev/null || { echo "FAILED: $tool is missing"; exit 1; }
done
run processes apiserver nodes scheduler
run whole up
[ $failures -eq 0 ] && echo "kill9: passed"
[ $failures -eq 0 ]
