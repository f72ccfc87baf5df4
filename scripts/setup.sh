#!/usr/bin/env bash
# Installs what this machine lacks to build and run Tidegate; does nothing where nothing is missing.
#
# usage: scripts/setup.sh [run|test|bench]    `test` adds what only the checks need, `bench` the peers of benchmarks
# As root on Debian or Ubuntu it calls apt-get; elsewhere it says what is missing and stops.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Installs packages by apt-get, or says what a person has to do.
install() {
  say "missing: $*"
  have apt-get || fail "install these with this system's package manager, then call again"
  [ "$(id -u)" = 0 ] || fail "run as root: apt-get install $*"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >&2 || say "apt-get update failed; trying with the lists that are here"
  apt-get install -y -qq --no-install-recommends "$@" >&2 || fail "apt-get could not install: $*"
}

# The same for packages of servers: only their programs are wanted, so Debian's hook keeps them from being started.
install_unstarted() {
  local hook=/usr/sbin/policy-rc.d
  if [ "$(id -u)" = 0 ] && [ ! -e "$hook" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$hook"
    chmod +x "$hook"
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  install "$@"
  systemctl disable --now "$@" >/dev/null 2>&1 || true # nor at the next boot
}

# Programs, each with the Debian package that has it; after `--how COMMAND`, installed by that.
ensure_packages() {
  local missing=() pair how=install
  if [ "$1" = --how ]; then
    how=$2
    shift 2
  fi
  for pair in "$@"; do
    have "${pair%%=*}" || missing+=("${pair#*=}")
  done
  [ ${#missing[@]} = 0 ] || "$how" "${missing[@]}"
}

# Whether the first version is at least the second.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# The toolchain of `rust-toolchain.toml`, which rustup chooses by itself.
ensure_rust() {
  local wanted
  wanted=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
  # Where a person installed it by rustup, but the shell doesn't know yet.
  have cargo || PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
  if ! have cargo && ! have rustup && have apt-get && [ -n "$(apt-cache madison rustup 2>/dev/null)" ]; then
    install rustup
  fi
  if have rustup && ! rustup run "$wanted" cargo clippy --version >/dev/null 2>&1; then
    say "installing Rust $wanted with rustup"
    rustup toolchain install "$wanted" --profile minimal --component rustfmt,clippy >&2 ||
      fail "rustup could not install Rust $wanted"
  fi
  have cargo || fail "Rust is missing: install rustup (Debian 13: apt-get install rustup; else rustup.rs), then call again"
  local version
  version=$(rustc --version | cut -d' ' -f2) || fail "rustc doesn't run"
  at_least "$version" "$wanted" || fail "Rust $version is too old: $wanted or newer is needed; install rustup"
}

# Go builds the test cluster. From 1.21 on it fetches the very version that `go.mod` names.
ensure_go() {
  local version
  have go || PATH=$PATH:/usr/local/go/bin
  have go || install golang-go ca-certificates
  version=$(go env GOVERSION)
  at_least "${version#go}" 1.21 || fail "Go ${version#go} is too old: 1.21 or newer is needed (go.dev/dl)"
}

# What the gateway is compared with; the rest of it is fetched by the benchmark itself.
ensure_peers() {
  PATH=$PATH:/usr/sbin # Debian's place for servers
  ensure_packages openssl=openssl taskset=util-linux
  ensure_packages --how install_unstarted nginx=nginx haproxy=haproxy
}

main() {
  local purpose=${1:-run}
  ensure_packages cc=build-essential git=git make=make python3=python3 flock=util-linux
  case $purpose in
    run) ;;
    test)
      ensure_packages valgrind=valgrind shellcheck=shellcheck ip=iproute2
      ensure_peers
      ;;
    bench) ensure_peers ;;
    *) fail "usage: scripts/setup.sh [run|test|bench]" ;;
  esac
  ensure_rust
  ensure_go
}

main "$@"
