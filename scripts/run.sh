#!/usr/bin/env bash
# Starts a test cluster whose workloads change, and watches it until ctrl-C.
#
# RUN_SECONDS=20 ends by itself after that time, with success. WATCH="pods -A" watches something else.
# Whatever ends it, nothing is left running and the cluster's folder is deleted.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

# A coprocess, because the cluster ends when its standard input does: also if this script is killed.
start_cluster() {
  say "starting etcd, kube-apiserver and kube-controller-manager"
  coproc CLUSTER { exec setsid "$testcluster" up --dir "$folder/cluster" --stop-on-stdin-eof; }
  cluster_job=$CLUSTER_PID
  cluster_input=${CLUSTER[1]}
  local status=
  read -r status <&"${CLUSTER[0]}" || true
  [ -n "$status" ] || fail "the test cluster did not start"
}

# The sample, its custom resources, and the changes.
start_workloads() {
  local kubectl=("$testcluster" kubectl)
  "${kubectl[@]}" apply -f testcluster/sample >/dev/null
  "${kubectl[@]}" wait --for=condition=Established crd/tides.harbor.example.com >/dev/null
  "${kubectl[@]}" apply -f testcluster/sample/tides >/dev/null
  setpriv --pdeathsig TERM "$testcluster" churn --dir "$folder/cluster" >"$folder/churn.log" 2>&1 &
  churn_job=$!
}

# In the foreground where there is a terminal; else in the background, so that signals are heard.
watch_cluster() {
  local command=("$(target_dir)/debug/tidegate" watch) code=0
  local words=${WATCH:-deploy pods services endpointslices configmaps tides -A}
  # shellcheck disable=SC2206 # words, on purpose
  command+=($words)
  [ -z "${RUN_SECONDS:-}" ] || command=(timeout --foreground --signal=INT --kill-after=10 "$RUN_SECONDS" "${command[@]}")
  say "tidegate watch $words"
  if [ -t 0 ] && [ -t 1 ]; then
    "${command[@]}" || code=$?
  else
    setpriv --pdeathsig INT "${command[@]}" &
    watch_job=$!
    wait "$watch_job" || code=$?
    watch_job=
  fi
  # 124: the time of RUN_SECONDS is over.
  [ "$code" = 124 ] || return "$code"
}

# Runs at every end. The cluster takes the end of its input as the order to stop.
end_all() {
  [ -z "${watch_job:-}" ] || kill -INT "$watch_job" 2>/dev/null || true
  [ -z "${churn_job:-}" ] || kill "$churn_job" 2>/dev/null || true
  if [ -n "${cluster_job:-}" ]; then
    exec {cluster_input}>&-
    wait "$cluster_job" 2>/dev/null || true
  fi
  rm -rf "$folder"
}

scripts/setup.sh run
start_testcluster_build
say "building tidegate"
cargo build --quiet -p tidegate
testcluster_binary
end_testcluster_build

folder=$(mktemp -d)
trap end_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
start_cluster
export KUBECONFIG=$folder/cluster/admin.kubeconfig
start_workloads
say "kubectl works with it too: KUBECONFIG=$KUBECONFIG $testcluster kubectl get pods -A"
watch_cluster
