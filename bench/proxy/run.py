#!/usr/bin/env python3
"""Compares the gateway with nginx, HAProxy, Envoy and Caddy: the same requests through each, each on one core.

All contestants run at once, and the load goes to one of them at a time: scenario by scenario, by turns, in rounds. The
load generator and the origin have the other core. All figures are kept as JSON lines under results/, with tables of
figures, ratios and goals. `--quick` is the short form that proves that the benchmark works.
"""

import argparse
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
# The processes under measurement and the machine are looked at as in the informer's benchmark.
sys.path[:0] = [str(HERE), str(HERE.parent / "informer")]

from parts import measure, peers, plan, proxies, report  # noqa: E402  (needs the path above)
from runner import processes  # noqa: E402
from runner.contestants import ROOT, TARGET  # noqa: E402

QUICK = {
    "routes": [1, 50],
    "memory_routes": [50],
    "rounds": 1,
    "seconds": 0.3,
    "warm_up": 0.1,
    "rate_share": 0.25,
    "only": ["engine", "nginx", "haproxy"],
    "profile": "dev",
    "name": "quick",
}


def parse(arguments):
    """The options; `--quick` changes the defaults, and what is given besides it still counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--routes", type=numbers, default=[1, 5000], help="numbers of routes under load (default: 1,5000)")
    parser.add_argument("--memory-routes", type=numbers, default=[5000, 40_000], help="to look at memory with (default: 5000,40000)")
    parser.add_argument("--rounds", type=int, default=5, help="of every scenario (default: 5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of every load (default: 2)")
    parser.add_argument("--warm-up", type=float, default=0.5, help="seconds before each (default: 0.5)")
    parser.add_argument("--rate-share", type=float, default=1.0, help="of the scenarios' fixed rates (default: 1)")
    parser.add_argument("--only", type=lambda text: text.split(","), default=proxies.NAMES[:-1], help="contestants (default: all but the engine alone)")
    parser.add_argument("--scenarios", help="only those with this in their names")
    parser.add_argument("--profile", default="dist", choices=["dist", "release", "dev"], help="of client and gateway")
    parser.add_argument("--programs", type=pathlib.Path, help="a folder with client and gateway, which are then not built")
    parser.add_argument("--jobs", type=int, default=2, help="build jobs")
    parser.add_argument("--name", default="proxies", help="of the file of results (default: proxies)")
    parser.add_argument("--quick", action="store_true", help="few contestants and routes, a debug build, one round: does it work?")
    parser.add_argument("--table", metavar="FILE", help="only print the tables of a file of results")
    if "--quick" in arguments:
        parser.set_defaults(**QUICK)
    options = parser.parse_args(arguments)
    unknown = set(options.only) - set(proxies.NAMES)
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are: {', '.join(proxies.NAMES)}")
    return options


def numbers(text):
    """`1,5000` as numbers."""
    return [int(part) for part in text.split(",") if part]


def main(arguments):
    """Runs everything; the exit status says whether all requests were answered, not whether goals are reached."""
    options = parse(arguments)
    if options.table:
        print(report.tables(*report.load(options.table)))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    # The runner stays off the contestants' core too.
    os.sched_setaffinity(0, {proxies.LOAD_CORE} if os.cpu_count() > 1 else {0})
    programs = build(options)
    results = report.Results(options, programs)
    with tempfile.TemporaryDirectory(prefix="proxy-bench-", dir=plan.working_folder()) as parent:
        parent = pathlib.Path(parent)
        plan.make_certificate(parent)
        failures = sum(under_load(routes, programs, options, results, parent) for routes in options.routes)
        failures += sum(memory(routes, programs, options, results, parent) for routes in options.memory_routes)
    text = report.tables(results.head, results.rows)
    results.path.with_suffix(".md").write_text(text, encoding="utf-8")
    print(f"\n{text}\nkept in {results.path.relative_to(ROOT)}")
    return 1 if failures else 0


def build(options):
    """Builds and finds the programs, by name."""
    folder = options.programs or TARGET / ("debug" if options.profile == "dev" else options.profile)
    ours = {name: proxies.CONTESTANTS[name].package for name in options.only if proxies.CONTESTANTS[name].package}
    packages = {"client": "proxy-bench"} | ours
    if not options.programs:
        words = [word for package in packages.values() for word in ("-p", package)]
        command = ["cargo", "build", f"-j{options.jobs}", "--profile", options.profile, *words]
        print("+", *command, flush=True)
        subprocess.run(command, cwd=ROOT, check=True)
    programs = {name: folder / package for name, package in packages.items()}
    return programs | {name: peers.program(name) for name in options.only if name not in ours}


def under_load(routes, programs, options, results, parent):
    """All scenarios with so many routes, on all contestants by turns; the number of measurements with failures."""
    failures = 0
    with contextlib.ExitStack() as stack:
        origin = stack.enter_context(measure.origin(programs["client"], routes, parent))
        bench = measure.Bench(programs["client"], options, origin)
        running = []
        for name in options.only:
            running.append(stack.enter_context(proxies.started(name, programs[name], routes, parent)))
            print(f"{name} with {routes:,} routes ready in {running[-1].ready_s:.1f} s", flush=True)
        for number in range(options.rounds):
            for scenario in measure.SCENARIOS:
                if options.scenarios and options.scenarios not in scenario.name:
                    continue
                turn = number % len(running)
                for proxy in running[turn:] + running[:turn]:
                    row = {"contestant": proxy.name, "routes": routes, "round": number, "scenario": scenario.name}
                    row |= bench.measure(proxy, scenario)
                    proxy.forget_log()
                    results.add(row)
                    tell(row)
                    failures += bool(row["full_errors"] or row["fixed_errors"])
    return failures


def memory(routes, programs, options, results, parent):
    """One contestant at a time, started anew."""
    for name in options.only:
        with measure.origin(programs["client"], routes, parent) as origin:
            with proxies.started(name, programs[name], routes, parent) as proxy:
                figures = measure.Bench(programs["client"], options, origin).memory(proxy)
        results.add({"contestant": name, "routes": routes} | figures)
        print(f"{name} with {routes:,} routes: {figures['rss'] / report.MIB:,.0f} MiB, ready in {figures['ready_s']:.1f} s", flush=True)
    return 0


def tell(row):
    """One line for each measurement."""
    print(
        f"  {row['routes']:>6,} routes, {row['scenario']:<38} {row['contestant']:<9} "
        f"full {row['full_cpu_us']:6.1f} µs CPU {row['full_rps']:7,.0f}/s (proxy {row['full_share']:.2f}, load {row['full_load_share']:.2f})  "
        f"fixed {row['fixed_cpu_us']:6.1f} µs CPU, {row['fixed_user_us']:5.1f} user, p50 {row['fixed_p50_us']:6.0f} p99 {row['fixed_p99_us']:7.0f} µs"
        + (f"  ERRORS {row['full_errors']} + {row['fixed_errors']}" if row["full_errors"] or row["fixed_errors"] else ""),
        flush=True,
    )


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except processes.Failed as failure:
        sys.exit(f"FAILED: {failure}")
