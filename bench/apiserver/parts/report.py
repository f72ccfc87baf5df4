"""Results as JSON lines, and one table: figures, how many times better, and whether the goal is reached."""

import datetime
import json

from parts.servers import KUBERNETES, TIDEGATE, fsync_ms
from runner.contestants import ROOT
from runner.report import load, machine, median_rows, output, ratio

__all__ = ["Results", "load", "table"]


class Results:
    """One file of JSON lines: a head, then a line for every round of a server."""

    def __init__(self, options, programs):
        options.results.mkdir(parents=True, exist_ok=True)
        self.path = options.results / f"{datetime.date.today().isoformat()}-{options.name}.jsonl"
        disk = {"fsync_ms": fsync_ms(options.folder)}
        shown = {key: value for key, value in vars(options).items() if key not in ("folder", "results", "table")}
        self.head = {"machine": machine() | disk, "versions": versions(programs), "options": shown}
        self.rows = []
        self.path.write_text(json.dumps(self.head) + "\n", encoding="utf-8")

    def add(self, row):
        """Keeps a row at once: a later failure must not lose it."""
        self.rows.append(row)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def versions(programs):
    """Of the toolchain and of what competes."""
    found = {"rustc": output(["rustc", "--version"], ROOT), "tidegate": output(["git", "describe", "--always", "--dirty"], ROOT)}
    if KUBERNETES in programs:
        for name in ("kube-apiserver", "etcd"):
            said = output([programs[KUBERNETES], name, "--version"], ROOT)
            found[name] = said.splitlines()[0].split()[-1] if said else None
    return found


def lines(options):
    """What is shown: heading, key, scale, format, whether more is better, and the goal as times better or as a limit."""
    shown = [
        ("start to ready, ms", "ready_ms", 1, "{:,.0f}", False, ("at most", 50)),
        ("idle, RSS MB", "idle_rss", 1e-6, "{:,.1f}", False, ("at most", 15)),
        ("idle, PSS MB", "idle_pss", 1e-6, "{:,.1f}", False, None),
        ("idle, % of a CPU", "idle_cpu_share", 100, "{:,.2f}", False, None),
        (f"with {options['count']:,} objects, RSS MB", "filled_rss", 1e-6, "{:,.1f}", False, ("times", 10)),
        (f"with {options['count']:,} objects, PSS MB", "filled_pss", 1e-6, "{:,.1f}", False, None),
        ("more for each object, KB", "bytes_per_object", 1e-3, "{:,.2f}", False, None),
        ("after all loads, RSS MB", "after_rss", 1e-6, "{:,.1f}", False, None),
    ]
    for writers in options["writers"]:
        by = f"{writers} writer" + ("s" if writers > 1 else "")
        shown += [
            (f"{by}, writes/s", f"at_{writers}_writes_per_s", 1, "{:,.0f}", True, None),
            (f"{by}, p50 ms", f"at_{writers}_write_p50_ms", 1, "{:,.2f}", False, ("times", 1)),
            (f"{by}, p99 ms", f"at_{writers}_write_p99_ms", 1, "{:,.2f}", False, ("times", 1)),
            (f"{by}, CPU µs/write", f"at_{writers}_write_cpu_us", 1, "{:,.0f}", False, None),
        ]
    return shown + [
        (f"one change to {options['watchers']} watchers, CPU ms", "fanout_cpu_ms", 1, "{:,.2f}", False, ("times", 4)),
        ("to the last watcher, p50 ms", "fanout_last_p50_ms", 1, "{:,.2f}", False, None),
        ("to the last watcher, p99 ms", "fanout_last_p99_ms", 1, "{:,.2f}", False, None),
        ("its writer's answer, p50 ms", "fanout_answer_p50_ms", 1, "{:,.2f}", False, None),
    ]


def table(head, rows):
    """Title and table as Markdown: the median of every figure over the rounds, and in brackets the range of ours."""
    best = median_rows(rows)
    ours, theirs = best.get(TIDEGATE, {}), best.get(KUBERNETES, {})
    parts = [f"| | {TIDEGATE} | least–most | {KUBERNETES} | least–most | times better | goal | |", "|---|---|---|---|---|---|---|---|"]
    for name, key, scale, form, more, goal in lines(head["options"]):
        own, other = ours.get(key), theirs.get(key)
        cells = [name]
        for contestant, value in ((TIDEGATE, own), (KUBERNETES, other)):
            values = [row[key] for row in rows if row["contestant"] == contestant]
            cells.append("–" if value is None else form.format(value * scale))
            cells.append(f"{form.format(min(values) * scale)}–{form.format(max(values) * scale)}" if values else "–")
        cells.append(ratio(own, other, more))
        cells += verdict(goal, own, other, scale)
        parts.append("| " + " | ".join(cells) + " |")
    return title(head, rows) + "\n\n" + "\n".join(parts) + "\n"


def verdict(goal, own, other, scale):
    """The goal in words, and whether it is reached."""
    if goal is None or own is None:
        return ["", ""]
    kind, number = goal
    if kind == "at most":
        return [f"≤ {number}", "yes" if own * scale <= number else "**no**"]
    words = "not worse" if number == 1 else f"≥ {number} times"
    return [words, "–" if not other else "yes" if other / own >= number else "**no**"]


def title(head, rows):
    """What was measured, where and with what."""
    options, box = head["options"], head["machine"]
    named = ", ".join(f"{name} {version}" for name, version in head["versions"].items() if version)
    rounds = max((sum(row["contestant"] == name for row in rows) for name in (TIDEGATE, KUBERNETES)), default=0)
    return (
        f"{options['count']:,} ConfigMaps with a value of {options['value_bytes']:,} bytes; {box['cpu']} with {box['cores']} cores, "
        f"{box['memory_gib']} GiB, Linux {box['kernel']}, load {box['load_before']:.1f} before; fdatasync p50 {box['fsync_ms']['p50']} ms, "
        f"p99 {box['fsync_ms']['p99']} ms; {named}; profile {options['profile']}; medians of {rounds} rounds, "
        f"{options['starts']} starts in each. Server and client share the machine; memory and CPU are those of the server's "
        "processes. Both wait for the disk before they answer, and both speak JSON over TLS."
    )
