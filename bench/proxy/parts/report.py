"""Results as JSON lines, and tables: figures with their ranges, ratios to each peer, and whether the goals are reached."""

import collections
import datetime
import json
import pathlib

from parts import peers
from parts.measure import MAIN, SCENARIOS
from runner.contestants import ROOT
from runner.report import load, machine, median, output

__all__ = ["Results", "load", "tables"]
RESULTS = pathlib.Path(__file__).resolve().parent.parent / "results"
OURS = "tidegate"
GOAL_ROUTES = 5000
CPU_GOALS = {"nginx": 0.95, "haproxy": 0.8, "envoy": 0.25}
MEMORY_GOALS = {5000: 60, 40_000: 250}
MIB = 1024 * 1024


class Results:
    """One file of JSON lines: a head, then a line for every measurement."""

    def __init__(self, options, programs):
        RESULTS.mkdir(exist_ok=True)
        self.path = RESULTS / f"{datetime.date.today().isoformat()}-{options.name}.jsonl"
        shown = {key: value for key, value in vars(options).items() if key not in ("table", "jobs", "programs")}
        self.head = {"machine": machine(), "versions": versions(programs), "options": shown}
        self.rows = []
        self.path.write_text(json.dumps(self.head) + "\n", encoding="utf-8")

    def add(self, row):
        """Keeps a row at once: a later failure must not lose it."""
        self.rows.append(row)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def versions(programs):
    """Of the toolchain and of what competes."""
    found = {name: peers.version(name, path) for name, path in programs.items() if name in ("nginx", "haproxy", "envoy", "caddy")}
    return {"rustc": output(["rustc", "--version"], ROOT), OURS: output(["git", "describe", "--always", "--dirty"], ROOT)} | found


class Figures:
    """All rows, by what was measured."""

    def __init__(self, rows):
        self.rows = rows
        self.names = list(dict.fromkeys(row["contestant"] for row in rows))
        self.routes = list(dict.fromkeys(row["routes"] for row in rows))

    def values(self, name, routes, scenario, key):
        """Of all rounds."""
        wanted = (name, routes, scenario)
        rows = [row for row in self.rows if (row["contestant"], row["routes"], row.get("scenario")) == wanted]
        return [row[key] for row in rows if key in row]

    def rounds(self):
        """How often each was measured."""
        rows = (row for row in self.rows if "scenario" in row)
        return set(collections.Counter((row["contestant"], row["routes"], row["scenario"]) for row in rows).values())

    def median(self, *which):
        """The middle of the rounds; None if nothing was measured."""
        return median(self.values(*which))

    def overloaded(self, *which):
        """Whether fewer requests were answered than were due."""
        reached = self.median(*which, "fixed_rps")
        return reached is not None and reached < 0.95 * self.median(*which, "fixed_rate")


def tables(head, rows):
    """One Markdown document."""
    figures = Figures(rows)
    parts = [title(head, figures), goals(figures)]
    for routes in figures.routes:
        measured = [each.name for each in SCENARIOS if any(row.get("scenario") == each.name and row["routes"] == routes for row in rows)]
        if measured:
            parts += [of_routes(figures, routes, measured)]
    parts += [memory(figures), errors(figures)]
    return "\n\n".join(part for part in parts if part) + "\n"


def title(head, figures):
    """What was measured, where and with what."""
    options, box = head["options"], head["machine"]
    named = ", ".join(f"{name} {version}" for name, version in head["versions"].items() if version)
    # One that was ended early has not all that it was to have.
    rounds = sorted(figures.rounds()) or [0]
    rounds = f"{rounds[0]} to {rounds[-1]}" if rounds[0] < rounds[-1] else rounds[0]
    return (
        f"Each proxy on one core, load generator and origin on the other; {box['cpu']} with {box['cores']} cores, {box['memory_gib']} GiB, "
        f"Linux {box['kernel']}, load {box['load_before']:.1f} before; {named}; profile {options['profile']}; medians of "
        f"{rounds} rounds of {options['seconds']:g} s by turns, in brackets the least and the most. JSON access log to a file and "
        f"metrics are on for all. CPU is that of all of a proxy's processes, in µs for each request."
    )


def goals(figures):
    """What is promised, and what is."""
    if OURS not in figures.names:
        return ""
    lines = ["| goal | | |", "|---|---|---|"]
    for kind, words in (("full", "saturated"), ("fixed", "at a fixed rate")):
        own = figures.median(OURS, GOAL_ROUTES, MAIN, f"{kind}_cpu_us")
        for peer, goal in CPU_GOALS.items():
            other = figures.median(peer, GOAL_ROUTES, MAIN, f"{kind}_cpu_us")
            if own and other:
                lines.append(f"| {MAIN}, {GOAL_ROUTES:,} routes, {words}: CPU ≤ {goal} × {peer} | {own / other:.2f} | {verdict(own / other <= goal)} |")
    for routes, goal in MEMORY_GOALS.items():
        own = figures.median(OURS, routes, None, "rss")
        if own:
            lines.append(f"| resident memory, {routes:,} routes: ≤ {goal} MiB | {own / MIB:.0f} MiB | {verdict(own / MIB <= goal)} |")
    return "\n".join(lines) if len(lines) > 2 else ""


def verdict(reached):
    """In a word."""
    return "yes" if reached else "**no**"


def of_routes(figures, routes, scenarios):
    """All tables of one number of routes."""
    parts = [f"## {routes:,} route" + ("s" if routes > 1 else "")]
    for key, heading, form, ranged in (
        ("full_cpu_us", "CPU saturated, µs for each request", "{:.1f}", True),
        ("fixed_cpu_us", "CPU at a fixed rate, µs for each request", "{:.1f}", True),
        ("fixed_user_us", "of which in user space", "{:.1f}", False),
        ("full_rps", "Requests per second, saturated", "{:,.0f}", False),
        ("fixed_p50_us", "Latency at a fixed rate, p50 µs", "{:,.0f}", False),
        ("fixed_p99_us", "p99 µs", "{:,.0f}", True),
        ("fixed_p999_us", "p99.9 µs", "{:,.0f}", True),
        ("full_load_share", "Load generator and origin, saturated: share of their core", "{:.2f}", False),
    ):
        parts.append(figure_table(figures, routes, scenarios, key, heading, form, ranged))
    return "\n\n".join(parts)


def figure_table(figures, routes, scenarios, key, heading, form, ranged):
    """One figure: scenarios down, contestants across; ours divided by theirs for CPU."""
    ratios = [name for name in figures.names if name != OURS] if key.endswith("cpu_us") and OURS in figures.names else []
    heads = [heading, *figures.names, *(f"÷ {name}" for name in ratios)]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for scenario in scenarios:
        cells = [scenario]
        for name in figures.names:
            values = figures.values(name, routes, scenario, key)
            if key.startswith("fixed_p") and figures.overloaded(name, routes, scenario):
                cells.append("overloaded")
                continue
            around = f" ({form.format(min(values))}–{form.format(max(values))})" if ranged and values else ""
            cells.append(form.format(median(values)) + around if values else "–")
        own = figures.median(OURS, routes, scenario, key)
        for name in ratios:
            other = figures.median(name, routes, scenario, key)
            cells.append(f"{own / other:.2f}" if own and other else "–")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def memory(figures):
    """Resident memory, all processes of a proxy together."""
    if not any("rss" in row for row in figures.rows):
        return ""
    lines = ["## Memory", "", "| routes | " + " | ".join(figures.names) + " |", "|---" * (len(figures.names) + 1) + "|"]
    for routes in sorted({row["routes"] for row in figures.rows if "rss" in row}):
        cells = [f"{routes:,}, RSS MiB after requests to all of them"]
        for name in figures.names:
            value = figures.median(name, routes, None, "rss")
            cells.append(f"{value / MIB:,.0f}" if value else "–")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def errors(figures):
    """Requests that were not answered as they should have been."""
    found = [row for row in figures.rows if row.get("full_errors") or row.get("fixed_errors")]
    if not found:
        return "No request failed."
    lines = ["Requests that failed:", ""]
    for row in found:
        why = row.get("full_first_error") or row.get("fixed_first_error")
        lines.append(f"- {row['contestant']}, {row['routes']:,} routes, {row['scenario']}: {row['full_errors']} + {row['fixed_errors']} ({why})")
    return "\n".join(lines)
