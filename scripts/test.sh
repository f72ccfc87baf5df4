#!/usr/bin/env bash
# Everything that must hold before a change lands. CI runs this and nothing else.
#
# The test cluster takes longest to build the first time, so that starts first and the checks that
# need no cluster run beside it. All Rust is built and tested by one cargo command, in one profile.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-auto}

documentation() { RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps; }

dependencies() { cargo deny --offline check bans licenses sources; }

step "set-up" scripts/setup.sh test
start_testcluster_build
scripts/check.sh
step "documentation" documentation
if cargo deny --version >/dev/null 2>&1; then
  step "cargo-deny" dependencies
fi
step "build of the tests" cargo test --workspace --no-run
testcluster_binary
step "tests" cargo test --workspace
step "differential test, short" scripts/differential.sh short
step "tests of the test cluster" scripts/test-go.sh
step "h2spec" scripts/h2spec.sh
step "instruction counts" cargo xtask ratchet-instructions
step "benchmark of the informer, short" bench/informer/run.py --quick
step "benchmark of the API server, short" bench/apiserver/run.py --quick
step "benchmark of the proxies, short" bench/proxy/run.py --quick
step "changes under load, short" bench/changes/run.py --quick
step "Gateway API conformance, short" scripts/conformance.sh short
printf '\nall checks passed in %s s\n' "$SECONDS"
