#!/usr/bin/env bash
# Starts `tidegate up` with the sample in examples/harbor, and watches it until ctrl-C.
#
# RUN_SECONDS=20 ends by itself after that time, with success. WATCH="pods -A" watches something else. MANIFESTS=DIR
# applies another directory. DATA=DIR keeps everything there; else it is in a folder that is deleted at the end.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

# The server says where it is in its first line; then it is ready.
start_server() {
  say "tidegate up --manifests $manifests"
  coproc SERVER { exec setpriv --pdeathsig TERM "$tidegate" up --data-dir "$data" --manifests "$manifests" "$@"; }
  server_job=$SERVER_PID
  local line=
  read -r line <&"${SERVER[0]}" || true
  [ -n "$line" ] || fail "the server did not start"
  say "$line"
}

# In the foreground where there is a terminal; else in the background, so that signals are heard.
watch_server() {
  local command=("$tidegate" watch) code=0
  local words=${WATCH:-namespaces configmaps services endpointslices berths -A}
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

# Runs at every end.
end_all() {
  [ -z "${watch_job:-}" ] || kill -INT "$watch_job" 2>/dev/null || true
  if [ -n "${server_job:-}" ]; then
    kill -TERM "$server_job" 2>/dev/null || true
    wait "$server_job" 2>/dev/null || true
  fi
  [ -z "${folder:-}" ] || rm -rf "$folder"
}

scripts/setup.sh run
say "building tidegate"
cargo build --quiet -p tidegate
tidegate=$(target_dir)/debug/tidegate
manifests=${MANIFESTS:-examples/harbor}
trap end_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
if [ -n "${DATA:-}" ]; then
  data=$DATA
else
  folder=$(mktemp -d)
  data=$folder/data
fi
start_server "$@"
export KUBECONFIG=$data/admin.kubeconfig
say "change a file in $manifests, or in another shell: KUBECONFIG=$KUBECONFIG kubectl get berths -A"
watch_server
