#!/usr/bin/env bash
# Builds the conformance suite and the programs of its pods unless they are cached, and prints the folder
# that holds them: suite, echo-basic, dns, crds/{standard,experimental}.
#
# The cache lies outside the work tree, under a key made of all that goes into the programs. Concurrent
# callers build once. The first build takes some three minutes on two cores.
set -euo pipefail

say() { printf 'conformance/build.sh: %s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

key() {
  {
    go env GOVERSION GOOS GOARCH
    find . -name '*.go' -o -name go.mod -o -name go.sum -o -name build.sh | LC_ALL=C sort | xargs sha256sum
  } | sha256sum | cut -c1-16
}

# The definitions of both channels, from the very module that the suite comes from. Their folders hold
# other things too.
copy_definitions() {
  local module channel
  module=$(go list -mod=readonly -m -f '{{.Dir}}' sigs.k8s.io/gateway-api)
  for channel in standard experimental; do
    mkdir -p "$target.new/crds/$channel"
    install -m 644 "$module/config/crd/$channel"/gateway.networking*.yaml "$target.new/crds/$channel"
  done
}

build() {
  local began=$SECONDS
  say "building into $target (the first build takes about 3 minutes)"
  rm -rf "$target.new"
  mkdir -p "$target.new"
  go mod download sigs.k8s.io/gateway-api || fail "the module cannot be had"
  copy_definitions
  export CGO_ENABLED=0 GOFLAGS=-buildvcs=false
  build_target echo-basic build sigs.k8s.io/gateway-api/conformance/echo-basic
  build_target dns build ./dns
  build_target suite test -c -tags conformance .
  mv "$target.new" "$target"
  say "built in $((SECONDS - began)) s"
}

# build_target OUTPUT GO-WORDS... PACKAGE
build_target() {
  local output=$1 package=${*: -1}
  set -- "${@:2:$#-2}"
  go "$@" -mod=readonly -ldflags '-s -w' -o "$target.new/$output" "$package" >&2 || fail "the build of $output failed"
}

cd "$(dirname "$0")"
command -v go >/dev/null || fail "go is missing: install Go $(awk '$1 == "go" { print $2; exit }' go.mod) or newer"
command -v flock >/dev/null || fail "flock is missing: install util-linux"
cache=${TIDEGATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tidegate}/conformance
target=$cache/$(key)
mkdir -p "$cache"
if [ ! -d "$target" ]; then
  exec 9>"$cache/lock"
  flock --nonblock 9 || { say "waiting for another build"; flock 9; }
  [ -d "$target" ] || build 9>&-
fi
touch "$target"
# What no build.sh asked for in two weeks.
find "$cache" -mindepth 1 -maxdepth 1 -type d -mtime +14 -exec rm -rf {} +
printf '%s\n' "$target"
