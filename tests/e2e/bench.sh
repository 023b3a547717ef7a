#!/usr/bin/env bash
# The reduced benchmark against its baseline: fails on a clear regression only, by ratios to a loop
# that runs on the same machine at the same time (bench/baselines/README.md). And that the null
# scheduler, the offered load and the stack's rig work as processes.
set -euo pipefail
cd "$(dirname "$0")/../.."
berth=${BERTH:-build/release/bin/berth}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $*"; exit 1; }

"$berth" bench --config bench/baselines --label baseline --repeat 5 -o json \
  >"$work/new.json" 2>"$work/log" || { tail -20 "$work/log"; fail "the reduced run"; }
"$berth" bench compare --calibrated --fail-beyond 2.5 bench/baselines/reduced.json \
  "$work/new.json" || fail "slower than the baseline allows"

for rig in "--target engine" "--target stack --store memory --client-qps 5000"; do
  # shellcheck disable=SC2086  # several words
  "$berth" bench $rig --null-scheduler --workload SchedulingBasic/5Nodes -o json \
    >"$work/null.json" 2>"$work/log" || { tail -20 "$work/log"; fail "null scheduler, $rig"; }
  grep -q '"scheduler": "null' "$work/null.json" || fail "no null scheduler in the result, $rig"
done
"$berth" bench --target stack --store memory --workload SchedulingBasic/5Nodes --rate 20,40 \
  --rate-seconds 1 --svg "$work/curve.svg" -o json >"$work/rates.json" 2>"$work/log" ||
  { tail -20 "$work/log"; fail "offered load"; }
[ "$(grep -c '"offeredRate"' "$work/rates.json")" = 2 ] || fail "a result for each rate"
grep -q '</svg>' "$work/curve.svg" || fail "no curve"
echo "bench: the reduced run is within its baseline"
