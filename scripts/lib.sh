# Words that the scripts share. Sourced, never run.
# shellcheck shell=bash

# What rustup and Go's own installer put where a fresh shell doesn't look yet.
PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin:/usr/local/go/bin
export PATH

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

# Where cargo builds.
target_dir() { printf '%s\n' "${CARGO_TARGET_DIR:-target}"; }

# Runs one named step, and says how long it took.
step() {
  local name=$1 began=$SECONDS
  shift
  printf '\n==> %s\n' "$name"
  "$@" || fail "$name failed after $((SECONDS - began)) s"
  printf '==> %s: ok, %s s\n' "$name" $((SECONDS - began))
}

# Starts the build of the test cluster beside other work. `testcluster_binary` waits for it.
start_testcluster_build() {
  testcluster_log=$(mktemp)
  setsid testcluster/build.sh >"$testcluster_log.path" 2>"$testcluster_log" &
  testcluster_job=$!
  trap end_testcluster_build EXIT
}

# A build that nobody waits for any more must not go on.
end_testcluster_build() {
  kill -- "-$testcluster_job" 2>/dev/null || true
  rm -f "$testcluster_log" "$testcluster_log.path"
}

# Sets `testcluster` to the path of the test cluster's binary.
testcluster_binary() {
  say "waiting for the test cluster's binary (the first build takes some minutes)"
  if ! wait "$testcluster_job"; then
    cat "$testcluster_log" >&2
    fail "the test cluster's build failed"
  fi
  # shellcheck disable=SC2034 # the caller's
  testcluster=$(cat "$testcluster_log.path")
}
