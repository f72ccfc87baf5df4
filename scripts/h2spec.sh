#!/usr/bin/env bash
# Runs all cases of h2spec, strict ones too, against the proxy: on cleartext and by TLS. Fails when one fails.
#
#   scripts/h2spec.sh
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

h2spec=$(scripts/go-tool.sh h2spec)
cargo build --quiet -p tidegate-proxy --example forward
forward=$(target_dir)/debug/examples/forward
logs=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$logs"' EXIT

# A port that nothing listens on.
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# check NAME FLAGS-OF-FORWARD FLAGS-OF-H2SPEC
check() {
  local name=$1 port log=$logs/$1
  port=$(free_port)
  # shellcheck disable=SC2086 # no flag or one
  "$forward" "127.0.0.1:$port" hello $2 &
  pids+=($!)
  for _ in $(seq 100); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
    sleep 0.05
  done
  # shellcheck disable=SC2086
  if ! "$h2spec" --strict --host 127.0.0.1 --port "$port" $3 >"$log" 2>&1; then
    cat "$log" >&2
    fail "$name: cases failed"
  fi
  say "$name: $(tail -n 1 "$log")"
  grep -q '^146 tests, 146 passed, 0 skipped, 0 failed$' "$log" || fail "$name: not all 146 cases passed"
}

check cleartext "" ""
check tls --tls "--tls --insecure"
