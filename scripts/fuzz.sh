#!/usr/bin/env bash
# The generated tests of the decoders, the packer, the HTTP parsers (heads, chunks, targets, the PROXY protocol) and the
# gateway's compiler, with many more cases than `make test` runs.
#
# CASES=100000 sets how many. A failing case is shrunk and printed; make it a test of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

cases=${CASES:-100000}
say "$cases cases of each property"
WIRE_FUZZ_CASES=$cases PROPTEST_CASES=$cases cargo test --release -p tidegate-wire -p tidegate-pack -p tidegate-http
cargo test --release -p tidegate-compile --test compile fuzz -- --include-ignored
