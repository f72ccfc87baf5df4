#!/usr/bin/env bash
# Builds Helm unless it is cached, and prints the path of its binary.
#
# Its version is pinned in helm.mod, beside this script. The cache lies outside the work tree. The first build takes
# some minutes; where the test cluster was built before, half of it is in Go's cache.
set -euo pipefail

say() { printf 'helm/build.sh: %s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

cd "$(dirname "$0")"
command -v go >/dev/null || fail "go is missing: install Go $(awk '$1 == "go" { print $2; exit }' helm.mod) or newer"
command -v flock >/dev/null || fail "flock is missing: install util-linux"
key=$({ go env GOVERSION GOOS GOARCH && cat helm.mod helm.sum build.sh; } | sha256sum | cut -c1-16)
folder=${TIDEGATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tidegate}/helm/$key
mkdir -p "$folder"
exec 9>"$folder/lock"
flock 9
if [ ! -x "$folder/helm" ]; then
  # A go.mod in the tree would be a module of ours, to be vetted and tested.
  cp helm.mod "$folder/go.mod"
  cp helm.sum "$folder/go.sum"
  say "building Helm $(awk '$1 == "helm.sh/helm/v4" { print $2; exit }' helm.mod) into $folder"
  began=$SECONDS
  (cd "$folder" && go build -mod=readonly -buildvcs=false -ldflags '-s -w' -o helm.new helm.sh/helm/v4/cmd/helm) >&2 9>&- ||
    fail "the build failed"
  mv "$folder/helm.new" "$folder/helm"
  say "built in $((SECONDS - began)) s"
fi
printf '%s\n' "$folder/helm"
