#!/usr/bin/env bash
# Builds a Go program that tests use as an official client unless it is cached, and prints its path.
#
#   scripts/go-tool.sh h2spec | grpc-interop-client | grpc-interop-server
#
# Versions are pinned by the module files in testcluster/tools. The cache lies outside the work tree, under a key of
# all that goes into the program. Concurrent callers build once.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

case ${1:-} in
  h2spec) module=h2spec package=github.com/summerwind/h2spec/cmd/h2spec ;;
  grpc-interop-client) module=grpc package=google.golang.org/grpc/interop/client ;;
  grpc-interop-server) module=grpc package=google.golang.org/grpc/interop/server ;;
  *) fail "usage: scripts/go-tool.sh h2spec | grpc-interop-client | grpc-interop-server" ;;
esac
name=$1 files=$PWD/testcluster/tools/$module
command -v go >/dev/null || fail "go is missing: call scripts/setup.sh"
key=$({ go env GOVERSION GOOS GOARCH && cat "$files.mod" "$files.sum" scripts/go-tool.sh; } | sha256sum | cut -c1-16)
folder=${TIDEGATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tidegate}/tools/$module-$key
mkdir -p "$folder"
exec 9>"$folder/lock"
flock 9
if [ ! -x "$folder/$name" ]; then
  # A go.mod in the tree would be a module of ours, to be vetted and tested.
  cp "$files.mod" "$folder/go.mod"
  cp "$files.sum" "$folder/go.sum"
  say "building $name into $folder"
  began=$SECONDS
  (cd "$folder" && CGO_ENABLED=0 go build -mod=readonly -buildvcs=false -ldflags '-s -w' -o "$name.new" "$package") >&2 9>&- ||
    fail "the build failed"
  mv "$folder/$name.new" "$folder/$name"
  say "built in $((SECONDS - began)) s"
fi
printf '%s\n' "$folder/$name"
