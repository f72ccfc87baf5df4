#!/usr/bin/env python3
"""Compares the embedded API server with etcd + kube-apiserver: the same requests to each, one server at a time.

Builds what is needed, starts each server anew in every round, keeps all figures as JSON lines under results/ and
prints a table with ratios and goals. `--quick` is the short form that proves that the benchmark works, and leaves
nothing in the work tree.
"""

import argparse
import pathlib
import signal
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
# The processes under measurement and the machine are looked at as in the informer's benchmark.
sys.path[:0] = [str(HERE), str(HERE.parent / "informer")]

from parts import measure, report, servers  # noqa: E402  (needs the path above)
from runner import processes  # noqa: E402

QUICK = {
    "count": 500,
    "seconds": 1.0,
    "settle": 0.5,
    "starts": 1,
    "rounds": 1,
    "watchers": 20,
    "changes": 20,
    "profile": "dev",
    "name": "quick",
    "results": servers.TARGET / "bench-apiserver",
}
SERVERS = (servers.TIDEGATE, servers.KUBERNETES)


def parse(arguments):
    """The options; `--quick` changes the defaults, and what is given besides it still counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="objects (default: 10000)")
    parser.add_argument("--value-bytes", type=int, default=1024, help="length of each object's value (default: 1024)")
    parser.add_argument("--rounds", type=int, default=3, help="of each server, by turns (default: 3)")
    parser.add_argument("--starts", type=int, default=5, help="starts of each server in a round (default: 5)")
    parser.add_argument("--settle", type=float, default=10.0, help="seconds from idle to a look at memory (default: 10)")
    parser.add_argument("--seconds", type=float, default=10.0, help="duration of each load of writes (default: 10)")
    parser.add_argument("--writers", type=numbers, default=[1, 32], help="writers at once (default: 1,32)")
    parser.add_argument("--watchers", type=int, default=100, help="of one collection (default: 100)")
    parser.add_argument("--changes", type=int, default=300, help="sent to the watchers (default: 300)")
    parser.add_argument("--only", choices=SERVERS, help="one server, for work on it")
    parser.add_argument("--profile", default="dist", choices=["dist", "release", "dev"], help="of client and embedded server")
    parser.add_argument("--jobs", type=int, default=2, help="build jobs")
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="on the disk to measure (default: for temporary files)")
    parser.add_argument("--name", help="of the file of results (default: made from count)")
    parser.add_argument("--results", type=pathlib.Path, default=HERE / "results", help="folder for it (default: results/, or cargo's with --quick)")
    parser.add_argument("--quick", action="store_true", help="500 objects, a debug build, one round: does it work?")
    parser.add_argument("--table", metavar="FILE", help="only print the table of a file of results")
    if "--quick" in arguments:
        parser.set_defaults(**QUICK)
    options = parser.parse_args(arguments)
    options.name = options.name or f"{options.count}-configmaps"
    return options


def numbers(text):
    """`1,32` as numbers."""
    return [int(part) for part in text.split(",") if part]


def main(arguments):
    """Runs everything; the exit status says whether all servers did what they should, not whether goals are reached."""
    options = parse(arguments)
    if options.table:
        print(report.table(*report.load(options.table)))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    chosen = [options.only] if options.only else SERVERS
    programs = servers.build(chosen, options.profile, options.jobs)
    results = report.Results(options, programs)
    failures = [failure for _ in range(options.rounds) for each in chosen if (failure := run_one(each, programs, options, results))]
    text = report.table(results.head, results.rows)
    results.path.with_suffix(".md").write_text(text, encoding="utf-8")
    print(f"\n{text}\nkept in {results.path}")
    return 1 if failures else 0


def run_one(name, programs, options, results):
    """One round of one server; a failure is told and does not stop the others."""
    print(f"{name} ...", flush=True)
    try:
        row = measure.measure(name, programs, options)
    except (processes.Failed, OSError) as failure:
        print(f"FAILED: {failure}", file=sys.stderr, flush=True)
        return failure
    results.add(row)
    writes = ", ".join(f"{row[f'at_{writers}_writes_per_s']:,.0f} writes/s by {writers}" for writers in options.writers)
    print(
        f"  ready in {row['ready_ms']:,.0f} ms, idle {row['idle_rss'] / 1e6:.1f} MB, filled {row['filled_rss'] / 1e6:.1f} MB, "
        f"{writes}, a change to {options.watchers} watchers {row['fanout_cpu_ms']:.2f} ms of CPU",
        flush=True,
    )
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
