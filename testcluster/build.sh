#!/usr/bin/env bash
# Builds the test cluster's binary unless it is cached, and prints its path.
#
# The path goes to standard output, everything else to standard error. The cache lies outside the
# work tree, under a key made of all that goes into the binary. Concurrent callers build once.
# The first build takes some 7 minutes on two cores and 4 GB of Go's own build cache; after that,
# a change of the sources here costs one link.
set -euo pipefail

say() { printf 'testcluster/build.sh: %s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

ensure_go() {
  command -v go >/dev/null && return
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "go is missing; installing the package golang"
    { apt-get update && apt-get install -y --no-install-recommends golang ca-certificates; } >&2 ||
      fail "go is missing and could not be installed by apt-get"
    command -v go >/dev/null && return
  fi
  fail "go is missing: install Go $(awk '$1 == "go" { print $2; exit }' go.mod) or newer, and call again"
}

# All that goes into the binary: the pinned modules, the sources, this script, and the compiler.
key() {
  {
    go env GOVERSION GOOS GOARCH
    find . \( -name '*.go' ! -name '*_test.go' \) -o -name go.mod -o -name go.sum -o -name build.sh | LC_ALL=C sort | xargs sha256sum
  } | sha256sum | cut -c1-16
}

build() {
  local target=$1 stamp=k8s.io/component-base/version version minor
  version=$(awk '$1 == "k8s.io/kubernetes" { print $2; exit }' go.mod)
  minor=${version#v1.}
  say "building $version into $target (the first build takes about 7 minutes)"
  local began=$SECONDS
  go build -mod=readonly -buildvcs=false \
    -ldflags "-s -w -X $stamp.gitVersion=$version -X $stamp.gitMajor=1 -X $stamp.gitMinor=${minor%%.*}" \
    -o "$target.new" . >&2 || fail "the build failed"
  mv "$target.new" "$target"
  say "built in $((SECONDS - began)) s"
}

# Binaries that no build.sh asked for in two weeks. One that still runs is not harmed.
prune() {
  find "$1" -mindepth 1 -maxdepth 1 -type d -mtime +14 -exec rm -rf {} +
}

cd "$(dirname "$0")"
command -v flock >/dev/null || fail "flock is missing: install util-linux"
ensure_go
cache=${TIDEGATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tidegate}/testcluster
folder=$cache/$(key)
binary=$folder/testcluster
mkdir -p "$folder"
if [ ! -x "$binary" ]; then
  exec 9>"$cache/lock"
  flock --nonblock 9 || { say "waiting for another build"; flock 9; }
  [ -x "$binary" ] || build "$binary" 9>&-
fi
touch "$folder"
prune "$cache"
printf '%s\n' "$binary"
