#!/usr/bin/env python3
"""Compares the informer library with client-go and kube-rs on the same objects, one contestant at a time.

Builds what is needed, runs every contestant against a replay server of its own, keeps all figures as JSON lines
under results/ and prints a table of ratios. `--quick` is the short form that proves that the benchmark works.
"""

import argparse
import pathlib
import signal
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from runner import contestants, measure, processes, report  # noqa: E402  (needs the path above)

QUICK = {"count": 2000, "seconds": 3.0, "only": "tidegate,client-go-dynamic", "profile": "dev", "name": "quick"}


def parse(arguments):
    """The options; `--quick` changes the defaults, and what is given besides it still counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="objects (default: 10000)")
    parser.add_argument("--resource", default="pods", choices=["pods", "deployments", "endpointslices"])
    parser.add_argument("--managed-fields", default="strip", choices=["strip", "keep"])
    parser.add_argument("--only", default="", help="contestants, separated by commas: " + ", ".join(c.name for c in contestants.CONTESTANTS))
    parser.add_argument("--rounds", type=int, default=1, help="runs of each contestant, interleaved")
    parser.add_argument("--seconds", type=float, default=15.0, help="duration of each update rate")
    parser.add_argument("--rates", type=rates, default=[1000, 10_000], help="updates per second (default: 1000,10000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--profile", default="release", choices=["release", "dev"], help="of our own client")
    parser.add_argument("--jobs", type=int, default=2, help="build jobs")
    parser.add_argument("--name", help="of the file of results (default: made from count and resource)")
    parser.add_argument("--quick", action="store_true", help="2,000 objects, a debug build, one peer: does it work?")
    parser.add_argument("--table", metavar="FILE", help="only print the table of a file of results")
    if "--quick" in arguments:
        parser.set_defaults(**QUICK)
    options = parser.parse_args(arguments)
    options.name = options.name or f"{options.count}-{options.resource}-{options.managed_fields}"
    return options


def rates(text):
    """`1000,10000` as numbers."""
    return [int(part) for part in text.split(",") if part]


def main(arguments):
    """Runs everything; the exit status says whether all contestants did what they should."""
    options = parse(arguments)
    if options.table:
        print(report.table(*report.load(options.table)))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    chosen = contestants.choose([name for name in options.only.split(",") if name], options.resource)
    contestants.build(chosen, options.profile, options.jobs)
    results = report.Results(options)
    failures = [failure for _ in range(options.rounds) for each in chosen if (failure := run_one(each, options, results))]
    text = results.table()
    results.path.with_suffix(".md").write_text(text, encoding="utf-8")
    print(f"\n{text}\nkept in {results.path.relative_to(contestants.ROOT)}")
    return 1 if failures else 0


def run_one(contestant, options, results):
    """One run; a failure is told and does not stop the others."""
    print(f"{contestant.name} ...", flush=True)
    with tempfile.TemporaryDirectory(prefix="informer-bench-") as logs:
        try:
            row = measure.measure(contestant, options, pathlib.Path(logs))
        except (processes.Failed, OSError) as failure:
            print(f"FAILED: {failure}", file=sys.stderr, flush=True)
            return failure
    results.add(row)
    print(
        f"  {row['bytes_per_object'] / 1000:.2f} KB and {row['sync_cpu_us_per_object']:.0f} µs of CPU per object, "
        f"peak {row['sync_peak_rss'] / 1e6:.0f} MB, relist peak {row['relist_peak_rss'] / 1e6:.0f} MB",
        flush=True,
    )
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
