#!/usr/bin/env bash
# The quick checks: format, tidy, lints. No test runs, no cluster is built.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

# Formatted Go, in every module of ours.
gofmt_check() {
  local unformatted
  unformatted=$(git ls-files -z -- '*.go' | xargs -0 -r gofmt -l) || fail "gofmt doesn't run"
  [ -z "$unformatted" ] || fail "run gofmt -w on: $unformatted"
}

shell_check() {
  git ls-files -z -- '*.sh' .ci/run | xargs -0 -r shellcheck --external-sources
}

step "format" cargo fmt --all --check
step "format of Go" gofmt_check
if command -v shellcheck >/dev/null; then
  step "shellcheck" shell_check
fi
step "tidy" cargo xtask tidy
step "clippy" cargo clippy --workspace --all-targets -- -D warnings
