#!/usr/bin/env python3
"""Finds out which functions of the shipped program run, and writes them down for the linker.

The program has 22 MB of code, of which an API server that is idle has used a fifteenth. Where the linker leaves it, that
is spread over all of it, and each page that is touched brings its neighbours into memory. So `tidegate up` runs here
under callgrind, without a gateway until it is ready, and then with one while it serves requests, writes and watches. What
ran is listed in crates/tidegate/layout.ld, the start first, and the linker puts it together.

Names are listed without the hash that changes from build to build: one that is gone does no harm. Those that mean many
more functions than ran, as instances of what is generic, are left out. It is worth repeating when much has changed:
`bench/apiserver` shows the memory.
"""

import argparse
import collections
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import types

sys.dont_write_bytecode = True
BENCH = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(BENCH / "proxy"), str(BENCH / "informer")]

from parts import measure, plan, proxies  # noqa: E402  (needs the path above)
from runner import processes  # noqa: E402
from runner.contestants import ROOT, TARGET  # noqa: E402

LAYOUT = ROOT / "crates" / "tidegate" / "layout.ld"
PACKAGES = ("tidegate", "proxy-bench", "apiserver-bench")
ROUTES = 20
LOAD = types.SimpleNamespace(warm_up=0.5, seconds=2, rate_share=1)
IDLE_S = 10
# The hash that ends a name of Rust's, and the version in those of aws-lc.
HASH, VERSION = re.compile(r"17h[0-9a-f]{16}E(\..*)?$"), re.compile(r"^aws_lc_\d+_\d+_\d+_")
PLAIN = re.compile(r"[\w$.]+")
# `fn=(12) name`; the name only where it is first used.
NAME = re.compile(r"(c?fn|c?ob)=\((\d+)\)(?: (.*))?")
# A name may mean so many functions, or so many bytes for each byte that ran and besides.
FEW, SHARE, SMALL = 4, 3, 2048
HEAD = """/* Made by bench/layout/run.py: functions that run, together. */
SECTIONS
{
  .text.layout :
  {
"""
TAIL = """  }
}
INSERT BEFORE .text;
"""


def main(arguments):
    """Builds, runs, writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, help="a folder with the programs, which are then not built")
    parser.add_argument("--jobs", type=int, default=2, help="build jobs")
    options = parser.parse_args(arguments)
    folder = (options.programs or build(options.jobs)).resolve()
    with tempfile.TemporaryDirectory(prefix="layout-", dir=plan.working_folder()) as parent:
        ran = list(dict.fromkeys([*start(folder, pathlib.Path(parent)), *serve(folder, pathlib.Path(parent))]))
    patterns = choose(ran, sizes(folder / "tidegate"))
    LAYOUT.write_text(HEAD + "".join(f"    *(.text.{each})\n" for each in patterns) + TAIL, encoding="utf-8")
    print(f"{len(ran):,} functions ran; {len(patterns):,} names are in {LAYOUT.relative_to(ROOT)}")


def build(jobs):
    """Builds what is shipped, and the clients."""
    command = ["cargo", "build", f"-j{jobs}", "--profile", "dist", *(word for package in PACKAGES for word in ("-p", package))]
    print("+", *command, flush=True)
    subprocess.run(command, cwd=ROOT, check=True)
    return TARGET / "dist"


def start(folder, parent):
    """What an API server runs until it is ready and for a while after, the dearest first."""
    out = parent / "start.out"
    command = [*callgrind(folder, out), "up", "--no-gateway", "--data-dir", parent / "start"]
    with processes.running("start", command, parent) as process:
        process.expect("Tidegate", 120)
        time.sleep(IDLE_S)
        return dump(process.pid, out, 1, folder)


def serve(folder, parent):
    """What a gateway and its API server run under load."""
    plan.make_certificate(parent)
    program, out = parent / "tidegate", parent / "serve.out"
    words = " ".join(str(word) for word in callgrind(folder, out))
    program.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    with measure.origin(folder / "proxy-bench", ROUTES, parent) as origin:
        with proxies.started("tidegate", program, ROUTES, parent) as proxy:
            dump(proxy.pid, out, 1, folder)
            bench = measure.Bench(folder / "proxy-bench", LOAD, origin)
            for scenario in measure.SCENARIOS:
                print(f"  {scenario.name}: {bench.load(proxy, scenario, None)['full_rps']:,.0f} requests/s", flush=True)
            load_api(folder / "apiserver-bench", proxy.plan.folder / "data" / "admin.kubeconfig", parent)
            return dump(proxy.pid, out, 2, folder)


def load_api(client, kubeconfig, logs):
    """Writes and watches."""
    command = [client, "--kubeconfig", kubeconfig]
    for words in (["fill", "--count", 100], ["write", "--writers", 4, "--seconds", 2]):
        subprocess.run([str(word) for word in command + words], check=True, stdout=subprocess.DEVNULL)
    words = ["fanout", "--watchers", 20, "--changes", 20, "--pause-ms", 20]
    with processes.running("fanout", command + words, logs) as watchers:
        watchers.expect("WATCHING", 120)
        watchers.ask(signal.SIGUSR1, "CHANGED")


def callgrind(folder, out):
    """The program's command line, observed."""
    return ["valgrind", "--tool=callgrind", "--demangle=no", f"--callgrind-out-file={out}", folder / "tidegate"]


def dump(pid, out, number, folder):
    """The program's functions that ran since the last dump, the dearest first."""
    subprocess.run(["callgrind_control", "--dump", str(pid)], check=True, stdout=subprocess.DEVNULL)
    text = out.with_name(f"{out.name}.{number}").read_text(encoding="utf-8")
    return [name for name, _ in costs(text, str(folder / "tidegate")).most_common() if PLAIN.fullmatch(name)]


def costs(text, program):
    """Instructions of each function itself, as callgrind counted them."""
    known, here, sums, called = {}, {"ob": "", "fn": ""}, collections.Counter(), False
    for line in text.splitlines():
        if found := NAME.match(line):
            kind, number, name = found.groups()
            named = (kind.removeprefix("c"), number)
            known[named] = name or known[named]
            if not kind.startswith("c"):
                here[kind] = known[named]
        elif line.startswith("calls="):
            called = True
        elif line and line[0] in "0123456789+-*":
            # The line after `calls=` is what the called function cost.
            if not called and here["ob"] == program:
                sums[here["fn"].partition("'")[0]] += int(line.split()[-1])
            called = False
    return sums


def sizes(program):
    """Bytes of each function."""
    lines = subprocess.run(["nm", "--print-size", program], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    fields = (line.split() for line in lines)
    return {words[3]: int(words[1], 16) for words in fields if len(words) == 4 and words[2] in "tTwW"}


def choose(ran, bytes_of):
    """Patterns of names, in the order of what ran."""
    alike = collections.defaultdict(list)
    for name in bytes_of:
        alike[pattern(name)].append(name)
    marked, chosen = set(ran), []
    for each in dict.fromkeys(pattern(name) for name in ran):
        useful = sum(bytes_of[name] for name in alike[each] if name in marked)
        if len(alike[each]) <= FEW or sum(bytes_of[name] for name in alike[each]) <= SHARE * useful + SMALL:
            chosen.append(each)
    return chosen


def pattern(name):
    """A function's name in every build."""
    return HASH.sub("17h*", VERSION.sub("aws_lc_*_", name))


if __name__ == "__main__":
    main(sys.argv[1:])
