#!/usr/bin/env bash
# One run of the conformance suite, inside a network namespace of its own. scripts/conformance.sh calls it.
#
#   conformance/run.sh TESTCLUSTER PROGRAMS RESULTS all|short|NAME...
#
# What happened is in RESULTS: suite.log, gateway.log, logs of the cluster and of all pods, and, where single tests
# failed, the state that they left.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

testcluster=$1 programs=$2 results=$3
shift 3

# Every Gateway gets an address of this pool. The suite asks for one by itself, and for one that can't be had.
pool=10.100.0.0/16
usable=10.100.200.10
unusable=192.0.2.10
admin=127.0.0.1:19901
class=tidegate
jobs=()

# Starts a program that ends with this script, however that ends. Its output goes to RESULTS/NAME.log.
start() {
  local name=$1
  shift
  setpriv --pdeathsig KILL "$@" >"$results/$name.log" 2>&1 9>&- &
  jobs+=("$!") last=$name
}

# Runs at every end. The last started ends first; who doesn't want to in ten seconds is killed.
end_all() {
  local index job waited
  for ((index = ${#jobs[@]} - 1; index >= 0; index--)); do
    job=${jobs[index]}
    kill -TERM "$job" 2>/dev/null || continue
    for ((waited = 0; waited < 100; waited++)); do
      kill -0 "$job" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "$job" 2>/dev/null || true
    wait "$job" 2>/dev/null || true
  done
  keep_logs
  rm -rf "$folder"
}

keep_logs() {
  local log
  for log in "$folder"/cluster/logs/*.log; do
    [ ! -f "$log" ] || cp "$log" "$results/"
  done
  [ ! -d "$folder/kubelet/pods" ] || mv "$folder/kubelet/pods" "$results/pods"
}

# await SECONDS WHAT COMMAND... repeats the command until it succeeds. It is of no use once the program that was
# started last has ended.
await() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    kill -0 "${jobs[-1]}" 2>/dev/null || fail "$what ended by itself: $(tail -q -n 3 "$results/$last.log")"
    [ "$SECONDS" -lt "$deadline" ] || fail "$what: not in time; its log is in $results"
    sleep 0.1
  done
}

kubectl() { "$testcluster" kubectl --kubeconfig "$kubeconfig" --cache-dir "$folder/kubectl" "$@"; }

start_real() {
  start cluster "$testcluster" up --dir "$folder/cluster"
  kubeconfig=$folder/cluster/admin.kubeconfig
  # The line with its addresses comes last.
  await 90 "the test cluster" grep -q '"kubeconfig"' "$results/cluster.log"
}

# The embedded server has its own controllers for namespaces, garbage and service accounts.
start_embedded() {
  start cluster "$TIDEGATE" up --no-gateway --data-dir "$folder/data"
  kubeconfig=$folder/data/admin.kubeconfig
  await 30 "the embedded API server" kubectl get --raw /readyz
  start kube-controller-manager "$testcluster" kube-controller-manager \
    --kubeconfig="$kubeconfig" --leader-elect=false --secure-port=0 --cert-dir="$folder" \
    --controllers=deployment-controller,replicaset-controller,endpointslice-controller \
    --kube-api-qps=500 --kube-api-burst=1000 --kube-api-content-type=application/json
}

start_kubelet() {
  start kubelet "$testcluster" kubelet --kubeconfig "$kubeconfig" --dir "$folder/kubelet" \
    --image "echo-basic=$programs/echo-basic" --image "coredns=$programs/dns"
  await 30 "the stand-in for kubelets" grep -q "is ready" "$results/kubelet.log"
}

start_gateway() {
  start gateway "$TIDEGATE" gateway --kubeconfig "$kubeconfig" --gateway-class "$class" \
    --address-pool "$pool" --admin "$admin" --state-dir "$folder/state"
  gateway_job=${jobs[-1]}
  # It makes its class by itself, where it may.
  local waited
  for ((waited = 0; waited < 50; waited++)); do
    ! kubectl get gatewayclass "$class" >/dev/null 2>&1 || break
    sleep 0.1
  done
  kubectl get gatewayclass "$class" >/dev/null 2>&1 || make_class
  kubectl wait --for=condition=Accepted --timeout=30s "gatewayclass/$class" >/dev/null ||
    fail "the gateway does not accept its class: $(tail -n 5 "$results/gateway.log")"
}

make_class() {
  kubectl apply -f - >/dev/null <<END
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata:
  name: $class
spec:
  controllerName: tidegate.dev/gateway-controller
END
}

# run_suite all|short|NAME...
run_suite() {
  local options=() names=() pattern='' timeout=20m
  case $1 in
    all)
      timeout=90m
      options+=(-report-output="$results/report.yaml" -organization=tidegate -project=tidegate
        -url=https://github.com/tidegate/tidegate -version="$(version)" -contact=https://github.com/tidegate/tidegate/issues)
      ;;
    short) mapfile -t names <conformance/tests-short.txt ;;
    *)
      names=("$@")
      # What a failed test leaves can be looked at.
      options+=(-debug -cleanup-base-resources=false -cleanup-test-resources=false)
      ;;
  esac
  [ ${#names[@]} = 0 ] || pattern="/^($(IFS='|' && printf '%s' "${names[*]}"))\$"
  say "the suite runs: $*"
  [ -z "${PATIENCE:-}" ] || options+=(-timeout-config-overrides="$(patience "$PATIENCE")")
  KUBECONFIG=$kubeconfig start suite "$programs/suite" \
    -test.run "^TestConformance\$$pattern" -test.v -test.timeout "$timeout" -test.parallel "$PARALLEL" \
    -gateway-class="$class" -conformance-profiles=GATEWAY-HTTP \
    -supported-features="$(paste -sd, conformance/features-http.txt)" \
    -usable-address="$usable" -unusable-address="$unusable" \
    "${options[@]}"
  local suite_job=${jobs[-1]}
  suite_code=0
  tail -n +1 --follow --pid="$suite_job" "$results/suite.log" 9>&- |
    grep --line-buffered -E '^(=== RUN +TestConformance/[^/]+| {4}--- .*)$' &
  # In the background, so that signals are heard.
  wait "$suite_job" || suite_code=$?
  wait $! || true
  expected=${#names[@]}
}

# The suite's waits, all of the same length.
patience() {
  local wait waits=(MaxTimeToConsistency GatewayMustHaveAddress GatewayMustHaveCondition GatewayStatusMustHaveListeners
    GatewayListenersMustHaveConditions ListenerSetMustHaveCondition ListenerSetListenersMustHaveConditions
    HTTPRouteMustNotHaveParents HTTPRouteMustHaveCondition RouteMustHaveParents LatestObservedGenerationSet)
  for wait in "${waits[@]}"; do
    printf '%s:%s;' "$wait" "$1"
  done
}

version() { sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1; }

# How many tests ended in the given way.
count() { grep -cE "^ {4}--- $1: TestConformance/" "$results/suite.log" || true; }

# Tests that failed, with the parts of them that did.
failures() { grep -oE '^ {4,}--- FAIL: TestConformance/[^ ]+' "$results/suite.log" | sed 's/--- FAIL: TestConformance.//' || true; }

summary() {
  local passed failed skipped
  passed=$(count PASS) failed=$(count FAIL) skipped=$(count SKIP)
  failures >"$results/failures.txt"
  if [ "$failed" != 0 ]; then
    printf 'failed:\n'
    cat "$results/failures.txt"
  fi
  printf '%s passed, %s failed, %s skipped in %s s; details in %s\n' "$passed" "$failed" "$skipped" "$SECONDS" "$results"
  kill -0 "$gateway_job" 2>/dev/null || fail "the gateway ended by itself: $(tail -n 5 "$results/gateway.log")"
  [ "$suite_code" = 0 ] || fail "the suite failed"
  [ "$passed" != 0 ] || fail "no test ran"
  [ "$expected" = 0 ] || [ "$((passed + failed))" = "$expected" ] || fail "only $((passed + failed)) of $expected tests ran: is each name right?"
}

# What the gateway made of the objects that a test left.
keep_state() {
  kubectl get -A -o yaml gatewayclasses,gateways,listenersets,httproutes,backendtlspolicies,referencegrants,services,endpointslices,pods \
    >"$results/state.yaml" || say "the state could not be kept"
}

keep_report() {
  local report=docs/conformance/gateway-http.yaml
  [ "$API" = real ] || report=docs/conformance/gateway-http-embedded.yaml
  mkdir -p docs/conformance
  cp "$results/report.yaml" "$report"
  chmod 644 "$report"
  say "the report is in $report"
}

find "$results" -mindepth 1 -maxdepth 1 ! -name lock -exec rm -rf {} +
folder=$(mktemp -d /tmp/conformance.XXXXXX)
trap end_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
ip link set lo up
ip route add local "$pool" dev lo
"start_$API"
kubectl apply --server-side -f "$programs/crds/experimental" >/dev/null
kubectl wait --for=condition=Established --timeout=30s crd --all >/dev/null
start_kubelet
start_gateway
run_suite "$@"
[ "$suite_code" = 0 ] || [ "$expected" = 0 ] || keep_state
[ ! -f "$results/report.yaml" ] || [ -n "${PATIENCE:-}" ] || keep_report
summary
