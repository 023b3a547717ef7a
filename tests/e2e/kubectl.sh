#!/usr/bin/env bash
# Real kubectl against `berth up`: every command a newcomer types, with what it must answer.
# Runs with the kubectl on this machine, if any, and with Debian's kubernetes-client (1.20).
#   BERTH=build/release/bin/berth tests/e2e/kubectl.sh
set -uo pipefail
cd "$(dirname "$0")/../.."
berth=${BERTH:-build/release/bin/berth}
work=$(mktemp -d)
up_pid=
cleanup() {
  [ -n "$up_pid" ] && kill "$up_pid" 2>/dev/null && wait "$up_pid" 2>/dev/null
  rm -rf "$work"
}
trap cleanup EXIT
failures=0

# Debian's kubectl is unpacked beside, never installed: it would replace the machine's.
debian_kubectl() {
  local dir=build/kubernetes-client
  if [ ! -x $dir/usr/bin/kubectl ]; then
    mkdir -p $dir
    (cd $dir && { apt-get download kubernetes-client || { apt-get update && apt-get download kubernetes-client; }; } \
      >download.log 2>&1 && dpkg-deb -x kubernetes-client_*.deb .) || return 1
  fi
  echo "$PWD/$dir/usr/bin/kubectl"
}

# check NAME PATTERN COMMAND...: the command succeeds and prints a line matching PATTERN.
check() {
  local name=$1 pattern=$2 out
  shift 2
  if out=$("$@" 2>&1) && grep -qE -- "$pattern" <<<"$out"; then
    return
  fi
  failures=$((failures + 1))
  printf 'FAILED: %s: %s\n  wanted: %s\n  got:\n%s\n' "$name" "$*" "$pattern" "$(sed 's/^/    /' <<<"$out" | head -20)"
}
# fails NAME PATTERN COMMAND...: the command fails and says PATTERN.
fails() {
  local name=$1 pattern=$2 out
  shift 2
  if ! out=$("$@" 2>&1) && grep -qE -- "$pattern" <<<"$out"; then
    return
  fi
  failures=$((failures + 1))
  printf 'FAILED: %s: %s\n  wanted a failure saying: %s\n  got:\n%s\n' "$name" "$*" "$pattern" "$out"
}
# eventually NAME SECONDS PATTERN COMMAND...: as check, tried until it holds.
eventually() {
  local name=$1 seconds=$2 pattern=$3 end=$((SECONDS + $2)) out
  shift 3
  while [ $SECONDS -lt $end ]; do
    out=$("$@" 2>&1) && grep -qE -- "$pattern" <<<"$out" && return
    sleep 0.2
  done
  failures=$((failures + 1))
  printf 'FAILED: %s: %s\n  wanted within %s s: %s\n  got:\n%s\n' "$name" "$*" "$seconds" "$pattern" "$(head -20 <<<"$out")"
}

start_cluster() {  # $1: data directory
  "$berth" up --nodes 5 --data-dir "$1" --port 0 --kubeconfig "$work/kubeconfig" \
    --scheduler default-scheduler --scheduler second-scheduler >"$work/up.log" 2>&1 &
  up_pid=$!
  export KUBECONFIG=$work/kubeconfig
  local end=$((SECONDS + 30))
  while [ $SECONDS -lt $end ]; do
    [ -s "$KUBECONFIG" ] && $kubectl get nodes 2>/dev/null | grep -q ' Ready' && return
    sleep 0.2
  done
  echo "berth up did not come up:"; tail -20 "$work/up.log"; exit 1
}
stop_cluster() {
  kill -INT "$up_pid"
  wait "$up_pid" || { failures=$((failures + 1)); echo "FAILED: berth up did not stop cleanly on Ctrl-C"; }
  up_pid=
}

pod() {  # pod NAME CPU [more spec, JSON members]
  cat <<JSON
{"apiVersion":"v1","kind":"Pod","metadata":{"name":"$1","labels":{"app":"$1"}},"spec":{"containers":[
{"name":"c","image":"nginx:1.25","resources":{"requests":{"cpu":"$2","memory":"64Mi"}}}]${3:+,$3}}}
JSON
}

walk() {
  local k=$kubectl
  check "version" "Server Version" $k version
  check "api-resources" "^pods +po +.*v1 +true +Pod" $k api-resources
  check "api-versions" "^apps/v1$" $k api-versions
  check "get nodes" "node-[0-9]+ +Ready" $k get nodes
  check "get namespaces" "kube-system +Active" $k get namespaces

  pod web 100m >"$work/web.json"
  check "create" "pod/web created" $k create -f "$work/web.json"
  fails "create twice" 'AlreadyExists.*pods "web" already exists' $k create -f "$work/web.json"
  eventually "web runs" 20 "^web +1/1 +Running +0" $k get pods
  check "get -o wide" "web +1/1 +Running +0 .*node-[0-9]+" $k get pod web -o wide
  check "get -o yaml" "nodeName: node-" $k get pod web -o yaml
  check "get -o json" '"phase": "Running"' $k get pod web -o json
  check "get -o jsonpath" "^default-scheduler$" $k get pod web -o 'jsonpath={.spec.schedulerName}'
  check "get -o name" "^pod/web$" $k get pods -o name
  check "get -l" "^web " $k get pods -l app=web
  check "get -l nothing" "No resources found" $k get pods -l app=none
  check "field selector" "^web " $k get pods --field-selector status.phase=Running
  check "field selector nothing" "No resources found" $k get pods --field-selector spec.nodeName=none
  check "get -A" "^default +web " $k get pods -A
  fails "get missing" 'pods "none" not found' $k get pod none
  fails "unknown type" "the server doesn't have a resource type" $k get gadgets
  check "describe pod" "Successfully assigned default/web to node-" $k describe pod web
  local node; node=$($k get pod web -o 'jsonpath={.spec.nodeName}')
  check "describe node" "Non-terminated Pods: +\(1 in total\)" $k describe node "$node"
  eventually "get events" 10 "Scheduled +pod/web" $k get events
  check "events by field" "Scheduled" $k get events --field-selector involvedObject.name=web

  check "label" "pod/web labeled" $k label pod web tier=front
  check "label shown" "tier=front" $k get pod web --show-labels
  check "unlabel" "pod/web (un)?labeled" $k label pod web tier-
  check "annotate" "pod/web annotated" $k annotate pod web note=hello
  check "patch" "pod/web patched" $k patch pod web -p '{"metadata":{"labels":{"p":"1"}}}'
  check "patch merge" "pod/web patched" $k patch pod web --type=merge -p '{"metadata":{"labels":{"p":"2"}}}'
  check "patch json" "pod/web patched" $k patch pod web --type=json -p '[{"op":"replace","path":"/metadata/labels/p","value":"3"}]'
  check "patched" "^3$" $k get pod web -o 'jsonpath={.metadata.labels.p}'
  fails "patch of an immutable field" "pod updates may not change fields other than" \
    $k patch pod web --type=merge -p '{"spec":{"restartPolicy":"Never"}}'
  fails "invalid pod" 'spec.containers: Required value' \
    $k create -f - <<<'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"bad"},"spec":{}}'
  fails "unknown field" 'unknown field' \
    $k create --validate=true -f - <<<'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"bad"},"spec":{"contaners":[]}}'

  cat >"$work/cm.yaml" <<'YAML'
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: red}
YAML
  check "apply" "configmap/settings created" $k apply -f "$work/cm.yaml"
  sed -i 's/red/blue/' "$work/cm.yaml"
  check "apply a change" "configmap/settings configured" $k apply -f "$work/cm.yaml"
  check "apply nothing new" "configmap/settings unchanged" $k apply -f "$work/cm.yaml"
  check "applied" "^blue$" $k get cm settings -o 'jsonpath={.data.color}'

  check "cordon" "cordoned" $k cordon node-0001
  check "cordoned" "node-0001 +Ready,SchedulingDisabled" $k get node node-0001
  check "uncordon" "uncordoned" $k uncordon node-0001
  check "taint" "node/node-0001 tainted" $k taint node node-0001 k=v:NoSchedule
  check "tainted" "NoSchedule" $k get node node-0001 -o 'jsonpath={.spec.taints[0].effect}'
  check "untaint" "node/node-0001 untainted" $k taint node node-0001 k:NoSchedule-

  walk_schedulers
  walk_too_big
  walk_writes
  walk_eviction
  walk_volumes
  walk_devices
  walk_workloads

  $k get pods -w --request-timeout=60s >"$work/watch.log" 2>&1 &
  local watch_pid=$!
  sleep 1
  check "delete" 'pod "web" deleted' $k delete pod web
  fails "deleted" "not found" $k get pod web
  sleep 0.5
  kill $watch_pid 2>/dev/null; wait $watch_pid 2>/dev/null
  check "watch saw it end" "^web +.*Terminating" cat "$work/watch.log"
  check "delete by label" "deleted" $k delete pod -l app=second --wait=true
  check "delete --all" "deleted" $k delete pods --all
  check "all gone" "No resources found" $k get pods
  check "delete cm" 'configmap "settings" deleted' $k delete cm settings
}

# Each scheduler takes its own pods only; a pod of neither stays Pending, unbound.
walk_schedulers() {
  local k=$kubectl
  pod second 100m '"schedulerName":"second-scheduler"' | $k create -f - >/dev/null
  pod nobody 100m '"schedulerName":"nobody"' | $k create -f - >/dev/null
  eventually "second runs" 20 "^second +1/1 +Running" $k get pods
  eventually "bound by the second scheduler" 10 "second-scheduler" \
    $k get events --field-selector involvedObject.name=second -o 'jsonpath={.items[*].reportingComponent}{.items[*].source.component}'
  check "nobody's pod waits" "^nobody +0/1 +Pending" $k get pods
  check "nobody's pod is unbound" "^$" $k get pod nobody -o 'jsonpath={.spec.nodeName}'
}

# Upstream's message; then a larger node joins, and nobody touches the pod.
walk_too_big() {
  local k=$kubectl
  pod big 1000 | $k create -f - >/dev/null
  eventually "too big" 20 "FailedScheduling.* 0/5 nodes are available: 5 Insufficient cpu" $k describe pod big
  $k create -f - >/dev/null <<'JSON'
{"apiVersion":"v1","kind":"Node","metadata":{"name":"huge"},"status":{"capacity":{"cpu":"2000","memory":"1Ti","pods":"110"},
"allocatable":{"cpu":"2000","memory":"1Ti","pods":"110"},"conditions":[{"type":"Ready","status":"True"}]}}
JSON
  eventually "scheduled on the larger node" 30 "^huge$" $k get pod big -o 'jsonpath={.spec.nodeName}'
  check "delete node" 'node "huge" deleted' $k delete node huge
  check "force delete" 'deleted' $k delete pod big --force --grace-period=0
}

# The other ways to write, and what the server says of itself.
walk_writes() {
  local k=$kubectl
  check "explain" "^ +image" $k explain pod.spec.containers
  check "explain a field" "FIELD: +effect <string>" $k explain node.spec.taints.effect
  check "create namespace" "namespace/other created" $k create namespace other
  check "create priorityclass" "created" $k create priorityclass high --value=1000 --description=x
  check "get priorityclass" "^high +1000 +false" $k get priorityclass high
  check "run" "pod/ran created" $k run ran --image=nginx:1.25 -n other --restart=Never
  check "wait" "condition met" $k wait pod/ran -n other --for=condition=Ready --timeout=20s
  check "run, dry" "pod/dry created \\(server dry run\\)" $k run dry --image=x --dry-run=server
  fails "dry is dry" "not found" $k get pod dry
  check "pages" "^other +ran " $k get pods -A --chunk-size=1
  check "set image" "pod/ran image updated" $k set image pod/ran -n other ran=nginx:1.26
  check "image" "^nginx:1.26$" $k get pod ran -n other -o 'jsonpath={.spec.containers[0].image}'
  check "edit" "pod/ran edited" env "EDITOR=sed -i s/nginx:1.26/nginx:1.27/" $k edit pod ran -n other
  check "edited" "^nginx:1.27$" $k get pod ran -n other -o 'jsonpath={.spec.containers[0].image}'
  $k get configmap settings -o yaml | sed 's/color: blue/color: green/' >"$work/replaced.yaml"
  check "diff" "color: green" bash -c "$k diff -f $work/replaced.yaml; [ \$? -eq 1 ]"
  check "replace" "configmap/settings replaced" $k replace -f "$work/replaced.yaml"
  fails "replace an older state" "the object has been modified" $k replace -f "$work/replaced.yaml"
  check "replace --force" "deleted.*|replaced" $k replace --force -f "$work/web.json" --grace-period=0
  eventually "web runs again" 20 "^web +1/1 +Running +0" $k get pods
  $k create -f - >/dev/null <<'JSON'
{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"rs"},"spec":{"replicas":1,"selector":{"matchLabels":{"a":"b"}},
"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"x"}]}}}}
JSON
  check "scale" "scaled" $k scale rs rs --replicas=3
  check "scaled" "^rs +3 +0 +0" $k get rs
  check "delete rs" "deleted" $k delete rs rs --cascade=false
  check "delete collection" "deleted" $k delete pods --all -n other --grace-period=0 --force
  check "delete priorityclass" "deleted" $k delete priorityclass high
  check "get --raw" '"gitVersion"' $k get --raw /version
}

# A budget stops a drain until it allows it.
walk_eviction() {
  local k=$kubectl node budget=/apis/policy/v1/namespaces/default/poddisruptionbudgets/guard
  node=$($k get pod web -o 'jsonpath={.spec.nodeName}')
  $k create -f - >/dev/null <<'JSON'
{"apiVersion":"policy/v1","kind":"PodDisruptionBudget","metadata":{"name":"guard"},
"spec":{"minAvailable":1,"selector":{"matchLabels":{"app":"web"}}}}
JSON
  budget_allows() {
    $k get --raw $budget | jq -c ".status={observedGeneration:1,disruptionsAllowed:$1,currentHealthy:1,desiredHealthy:1,expectedPods:1}" |
      $k replace --raw $budget/status -f - >/dev/null
  }
  budget_allows 0
  fails "drain against the budget" "violate the pod's disruption budget" \
    $k drain "$node" --force --pod-selector app=web --timeout=2s
  check "not evicted" "^web +1/1 +Running" $k get pod web
  budget_allows 1
  check "drain" "pod/web evicted" $k drain "$node" --force --pod-selector app=web --timeout=30s
  check "the budget is spent" '"disruptionsAllowed":0' $k get --raw $budget
  check "uncordon after drain" "uncordoned" $k uncordon "$node"
  check "delete pdb" '"status":"Success"' $k delete --raw $budget
  $k create -f "$work/web.json" >/dev/null
  eventually "web runs once more" 20 "^web +1/1 +Running" $k get pods
}

# A claim that waits for its first consumer: the pod goes where the volume is, and our scheduler
# writes the volume's claimRef and the claim's annotation. Nobody binds claims here: we do, as the
# controller would.
walk_volumes() {
  local k=$kubectl claim=/api/v1/namespaces/default/persistentvolumeclaims/disk
  check "apply volumes" "persistentvolumeclaim/disk created" $k apply -f - <<'YAML'
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: local}
provisioner: kubernetes.io/no-provisioner
volumeBindingMode: WaitForFirstConsumer
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: disk-3}
spec:
  capacity: {storage: 10Gi}
  accessModes: [ReadWriteOnce]
  storageClassName: local
  local: {path: /disk}
  nodeAffinity:
    required:
      nodeSelectorTerms:
      - matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [node-0003]}]
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: disk}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: local
  resources: {requests: {storage: 5Gi}}
YAML
  check "pv's columns" "^NAME +CAPACITY +ACCESS MODES +RECLAIM POLICY +STATUS +CLAIM +STORAGECLASS +VOLUMEATTRIBUTESCLASS +REASON +AGE$" $k get pv
  check "pvc's columns" "^NAME +STATUS +VOLUME +CAPACITY +ACCESS MODES +STORAGECLASS +VOLUMEATTRIBUTESCLASS +AGE$" $k get pvc
  check "sc's columns" "^NAME +PROVISIONER +RECLAIMPOLICY +VOLUMEBINDINGMODE +ALLOWVOLUMEEXPANSION +AGE$" $k get sc
  check "get sc" "^local +kubernetes.io/no-provisioner +Delete +WaitForFirstConsumer +false " $k get sc
  check "get pv" "^disk-3 +10Gi +RWO +Retain +Pending +local " $k get pv
  check "get pvc" "^disk +Pending +local " $k get pvc
  # As the controller that looks after volumes: this one may be had.
  $k get --raw /api/v1/persistentvolumes/disk-3 | jq -c '.status.phase="Available"' |
    $k replace --raw /api/v1/persistentvolumes/disk-3/status -f - >/dev/null
  pod user 100m '"volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"disk"}}]' |
    $k create -f - >/dev/null
  eventually "the scheduler claims the volume" 20 "^default/disk$" \
    $k get pv disk-3 -o 'jsonpath={.spec.claimRef.namespace}/{.spec.claimRef.name}'
  check "and says so" "^yes$" \
    $k get pv disk-3 -o 'jsonpath={.metadata.annotations.pv\.kubernetes\.io/bound-by-controller}'
  check "it waits for the claim" "^$" $k get pod user -o 'jsonpath={.spec.nodeName}'
  check "bind the claim" "persistentvolumeclaim/disk patched" $k patch pvc disk --type=merge \
    -p '{"metadata":{"annotations":{"pv.kubernetes.io/bind-completed":"yes"}},"spec":{"volumeName":"disk-3"}}'
  $k get --raw $claim |
    jq -c '.status={phase:"Bound",accessModes:["ReadWriteOnce"],capacity:{storage:"10Gi"}}' |
    $k replace --raw $claim/status -f - >/dev/null
  check "bound" "^disk +Bound +disk-3 +10Gi +RWO +local " $k get pvc
  eventually "the pod is where the volume is" 20 "^node-0003$" \
    $k get pod user -o 'jsonpath={.spec.nodeName}'
  check "get pv,pvc" "^persistentvolumeclaim/disk +Bound" $k get pv,pvc
  check "delete pod" "deleted" $k delete pod user --grace-period=0 --force
  check "delete pvc" "deleted" $k delete pvc disk --wait=false
  check "it is protected" "^disk +Terminating" $k get pvc
  check "as nobody uses it" "patched" $k patch pvc disk -p '{"metadata":{"finalizers":null}}'
  check "delete pv" "deleted" $k delete pv disk-3 --wait=false
  check "as nobody has it" "patched" $k patch pv disk-3 -p '{"metadata":{"finalizers":null}}'
  fails "gone" "not found" $k get pv disk-3
  check "delete sc" "deleted" $k delete sc local
}

# A device of a slice is allocated to a pod's claim.
walk_devices() {
  local k=$kubectl
  check "apply devices" "resourceclaim.resource.k8s.io/one created" $k apply -f - <<'YAML'
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {name: gpu}
spec:
  selectors: [{cel: {expression: device.driver == "gpu.example.com"}}]
---
apiVersion: resource.k8s.io/v1
kind: ResourceSlice
metadata: {name: node-0002-gpu}
spec:
  driver: gpu.example.com
  nodeName: node-0002
  pool: {name: node-0002, generation: 1, resourceSliceCount: 1}
  devices: [{name: gpu-0}]
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: one}
spec:
  devices:
    requests: [{name: gpu, exactly: {deviceClassName: gpu}}]
YAML
  check "slices' columns" "^NAME +NODE +DRIVER +POOL +AGE$" $k get resourceslices
  check "claims' columns" "^NAME +STATE +AGE$" $k get resourceclaims
  check "get deviceclasses" "^gpu +[0-9]+s" $k get deviceclasses
  check "get resourceslices" "^node-0002-gpu +node-0002 +gpu.example.com +node-0002 " $k get resourceslices
  check "get resourceclaims" "^one +pending " $k get resourceclaims
  pod trainer 100m '"resourceClaims":[{"name":"g","resourceClaimName":"one"}]' |
    $k create -f - >/dev/null
  eventually "the pod is where the device is" 20 "^node-0002$" \
    $k get pod trainer -o 'jsonpath={.spec.nodeName}'
  check "allocated" "^one +allocated,reserved " $k get resourceclaims
  check "which device" "^node-0002/gpu-0$" $k get resourceclaims one -o \
    'jsonpath={.status.allocation.devices.results[0].pool}/{.status.allocation.devices.results[0].device}'
  check "for whom" "^trainer$" $k get resourceclaims one -o 'jsonpath={.status.reservedFor[0].name}'
  pod second-trainer 100m '"resourceClaims":[{"name":"g","resourceClaimName":"two"}]' |
    $k create -f - >/dev/null
  check "a pod whose claim is not there waits" "^second-trainer +0/1 +Pending" $k get pods
  $k get resourceclaims one -o json | jq 'del(.status)|.metadata={name:"two"}' | $k create -f - >/dev/null
  eventually "no device is left" 20 "cannot allocate all claims" $k describe pod second-trainer
  check "delete pods" "deleted" $k delete pod trainer second-trainer --grace-period=0 --force
  check "delete the rest" "deleted" $k delete resourceslices,deviceclasses --all
  for kind in csinodes csidrivers volumeattachments csistoragecapacities workloads podgroups; do
    check "get $kind" "No resources found" $k get $kind
  done
}

# What the spreading of pods looks at. Nothing makes pods of them.
walk_workloads() {
  local k=$kubectl template='{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"x"}]}}'
  check "create service" "service/front created" $k create service clusterip front --tcp=80:8080
  check "get svc" "^front +ClusterIP +<none> +<none> +80/TCP +[0-9]+s" $k get svc
  check "svc's columns" "^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\\(S\\) +AGE$" $k get svc
  check "describe svc" "^TargetPort: +8080/TCP" $k describe svc front
  $k create -f - >/dev/null <<JSON
{"apiVersion":"v1","kind":"ReplicationController","metadata":{"name":"old"},"spec":{"replicas":1,"template":$template}}
JSON
  $k create -f - >/dev/null <<JSON
{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"db"},"spec":{"serviceName":"front",
"selector":{"matchLabels":{"a":"b"}},"template":$template}}
JSON
  check "rc's columns" "^NAME +DESIRED +CURRENT +READY +AGE$" $k get rc
  check "sts's columns" "^NAME +READY +AGE$" $k get sts
  check "scale sts" "scaled" $k scale sts db --replicas=3
  check "get sts" "^db +0/3 " $k get sts
  check "get rc" "^old +1 +0 +0 " $k get rc
  check "delete them" "deleted" $k delete svc/front rc/old sts/db --cascade=false
}

kubectls=()
command -v kubectl >/dev/null && kubectls+=("$(command -v kubectl)")
if old=$(debian_kubectl); then kubectls+=("$old"); else echo "note: Debian's kubernetes-client could not be had"; fi
if [ ${#kubectls[@]} -eq 0 ]; then echo "FAILED: no kubectl at all"; exit 1; fi
round=0
for kubectl in "${kubectls[@]}"; do
  echo "-- $($kubectl version --client --short 2>/dev/null || $kubectl version --client 2>/dev/null | head -1)"
  round=$((round + 1))
  start_cluster "$work/data-$round"
  walk
  # The same data directory again: everything is still there.
  check "keep" "created" $kubectl create configmap keep --from-literal=a=b
  stop_cluster
  start_cluster "$work/data-$round"
  check "state survives a restart" "^b$" $kubectl get cm keep -o 'jsonpath={.data.a}'
  stop_cluster
done
echo "$failures failures"
[ $failures -eq 0 ]
