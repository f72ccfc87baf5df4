#!/usr/bin/env bash
# Starts `tidegate up` with the sample in examples/harbor, two services with traffic to them, and watches it all until
# ctrl-C.
#
# RUN_SECONDS=20 ends by itself after that time, with success. WATCH="pods -A" watches something else. MANIFESTS=DIR
# applies another directory. DATA=DIR keeps everything there; else it is in a folder that is deleted at the end.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

# The server says where it is in its first line, and where the gateway is when that serves; then manifests are applied.
start_server() {
  say "tidegate up --manifests $manifests"
  coproc SERVER { exec setpriv --pdeathsig TERM "$tidegate" up --data-dir "$data" --manifests "$manifests" "$@"; }
  server_job=$SERVER_PID
  local line=
  read -r line <&"${SERVER[0]}" || true
  [ -n "$line" ] || fail "the server did not start"
  say "$line"
  while read -r line <&"${SERVER[0]}"; do
    case $line in
      *"answers questions at http://"*)
        gateway=${line##*http://}
        return
        ;;
    esac
  done
  fail "the gateway did not start"
}

# In the foreground where there is a terminal; else in the background, so that signals are heard.
watch_server() {
  local command=("$tidegate" watch) code=0
  local words=${WATCH:-namespaces services endpointslices berths gateways httproutes backends -A}
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

# Two services, and a client of the gateway that never tires.
start_demo() {
  local pier=$1
  setpriv --pdeathsig TERM "$pier" serve "the north pier" 127.43.0.1:8080 &
  demo_jobs+=("$!")
  setpriv --pdeathsig TERM "$pier" serve "the south pier" 127.43.0.2:8080 &
  demo_jobs+=("$!")
  setpriv --pdeathsig TERM "$pier" ask 127.42.0.10:8080 ferry.localhost / /timetable /tickets &
  demo_jobs+=("$!")
}

# What to try, in another shell. Where another gateway has the usual port, ours is named.
say_what_to_try() {
  local admin=" --admin $gateway"
  [ "$gateway" != 127.0.0.1:19901 ] || admin=
  say "try, in another shell:"
  say "  curl http://127.42.0.10:8080/timetable"
  say "  kubectl --kubeconfig $KUBECONFIG apply -f examples/ferry-south.yaml"
  say "  $tidegate explain http://127.42.0.10:8080/timetable$admin"
}

# Runs at every end.
end_all() {
  local job
  for job in "${demo_jobs[@]}"; do
    kill -TERM "$job" 2>/dev/null || true
  done
  [ -z "${watch_job:-}" ] || kill -INT "$watch_job" 2>/dev/null || true
  if [ -n "${server_job:-}" ]; then
    kill -TERM "$server_job" 2>/dev/null || true
    wait "$server_job" 2>/dev/null || true
  fi
  [ -z "${folder:-}" ] || rm -rf "$folder"
}

scripts/setup.sh run
say "building tidegate"
cargo build --quiet -p tidegate --bin tidegate --example pier
tidegate=$(target_dir)/debug/tidegate
pier=$(target_dir)/debug/examples/pier
demo_jobs=()
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
if [ "$manifests" = examples/harbor ]; then
  start_demo "$pier"
  say_what_to_try
fi
watch_server
