#!/usr/bin/env bash
# The corpus of the differential test, sent to a real kube-apiserver.
#
#   scripts/differential.sh short    a tenth of the corpus, against what is recorded
#   scripts/differential.sh all      all of it
#   scripts/differential.sh record   takes the answers as the new record
#
# TIDEGATE_DIFFERENTIAL_ONLY=WORD restricts it to sequences with that word in their name.
set -euo pipefail
cd "$(dirname "$0")/.."

export TIDEGATE_DIFFERENTIAL=${1:-short}
exec cargo test -p tidegate-apiserver --test differential -- --ignored real_server
