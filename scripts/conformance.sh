#!/usr/bin/env bash
# Runs the official Gateway API conformance suite against Tidegate.
#
#   scripts/conformance.sh all             the whole profile GATEWAY-HTTP; its report goes to docs/conformance
#   scripts/conformance.sh short           a dozen core tests, in less than two minutes
#   scripts/conformance.sh NAME...         these tests
#
# API=embedded takes Tidegate's own API server in the place of etcd and kube-apiserver. TIDEGATE=FILE is the program
# instead of one that is built here. PARALLEL=4 is how many of the suite's parallel tests run at once. PATIENCE=5 waits
# seconds instead of the suite's half and whole minutes, to see many failures soon; such a run leaves no report.
#
# Everything (API server, controllers, pods, gateway, suite) runs in one network namespace that is made here and goes
# with it: nothing touches the machine's own network. That needs root.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

[ "$(id -u)" = 0 ] || fail "needs root, to make network namespaces for the gateway and the pods: call it by sudo"
for program in ip unshare nsenter setpriv; do
  command -v "$program" >/dev/null || fail "$program is missing: install iproute2 and util-linux"
done
[ $# -gt 0 ] || fail "usage: scripts/conformance.sh all|short|NAME..."

testcluster=$(testcluster/build.sh)
programs=$(conformance/build.sh)
if [ -z "${TIDEGATE:-}" ]; then
  say "building tidegate"
  cargo build --quiet -p tidegate
  TIDEGATE=$(target_dir)/debug/tidegate
fi
TIDEGATE=$(realpath "$TIDEGATE")
results=$(target_dir)/conformance
mkdir -p "$results"
exec 9>"$results/lock"
flock --nonblock 9 || fail "another run writes to $results"
export TIDEGATE API=${API:-real} PARALLEL=${PARALLEL:-4}
exec unshare --net -- conformance/run.sh "$testcluster" "$programs" "$(realpath "$results")" "$@"
