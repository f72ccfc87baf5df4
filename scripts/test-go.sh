#!/usr/bin/env bash
# Vets and tests every Go module of the tree.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

vet_and_test() (cd "$1" && go vet ./... && go test ./...)

while read -r manifest; do
  vet_and_test "${manifest%/go.mod}" || fail "${manifest%/go.mod} failed"
done < <(git ls-files --cached --others --exclude-standard -- 'go.mod' '*/go.mod')
