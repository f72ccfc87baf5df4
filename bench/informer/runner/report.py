"""Results as JSON lines, the machine they were measured on, and a table of ratios."""

import datetime
import json
import os
import pathlib
import platform
import re
import subprocess

from runner.contestants import HERE, ROOT

MIB = 1024 * 1024
BASELINES = ("client-go-dynamic", "client-go-typed-protobuf")


def machine():
    """What the figures depend on besides the programs."""
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"model name\s*:\s*(.*)", cpuinfo)
    memory = pathlib.Path("/proc/meminfo").read_text(encoding="utf-8").split()[1]
    return {
        "cpu": model.group(1) if model else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(int(memory) / MIB, 1),
        "kernel": platform.release(),
        "load_before": os.getloadavg()[0],
    }


def versions():
    """Of the toolchains and of what competes."""
    manifest = (HERE / "go" / "go.mod").read_text(encoding="utf-8")
    client_go = re.search(r"k8s.io/client-go (\S+)", manifest)
    lock = (HERE / "peers" / "Cargo.lock").read_text(encoding="utf-8")
    of = lambda name: re.search(rf'name = "{name}"\nversion = "(.*)"', lock)
    return {
        "go": output(["go", "env", "GOVERSION"], HERE / "go"),
        "rustc": output(["rustc", "--version"], ROOT),
        "client-go": client_go.group(1) if client_go else None,
        **{name: found.group(1) for name in ("kube", "k8s-openapi") if (found := of(name))},
        "tidegate": output(["git", "describe", "--always", "--dirty"], ROOT),
    }


def output(command, folder):
    """What a command prints, or None."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


class Results:
    """One file of JSON lines: a head, then a line for every run."""

    def __init__(self, options):
        folder = HERE / "results"
        folder.mkdir(exist_ok=True)
        today = datetime.date.today().isoformat()
        self.path = folder / f"{today}-{options.name}.jsonl"
        self.head = {"machine": machine(), "versions": versions(), "options": vars(options)}
        self.rows = []
        self.path.write_text(json.dumps(self.head) + "\n", encoding="utf-8")

    def add(self, row):
        """Keeps a row at once: a later failure must not lose it."""
        self.rows.append(row)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def table(self):
        """Everything as Markdown."""
        return table(self.head, self.rows)


def load(path):
    """Head and rows of a file of results."""
    lines = [json.loads(line) for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines()]
    return lines[0], lines[1:]


def table(head, rows):
    """One Markdown document: the figures, then the ratios to each baseline."""
    best = median_rows(rows)
    parts = [title(head, rows), figures_table(head, best)]
    for baseline in BASELINES:
        if baseline in best and len(best) > 1:
            parts.append(ratio_table(head, best, baseline))
    return "\n\n".join(parts) + "\n"


def title(head, rows):
    """What was measured, where and with what."""
    options, box = head["options"], head["machine"]
    named = ", ".join(f"{name} {version}" for name, version in head["versions"].items() if version)
    sizes = {row["json_bytes_mean"] for row in rows}
    size = f" of {max(sizes):,} bytes of JSON" if sizes else ""
    return (
        f"{options['count']:,} {options['resource']}{size} (managedFields: {options['managed_fields']}), "
        f"{box['cpu']} with {box['cores']} cores, Linux {box['kernel']}; {named}; "
        f"profile {options['profile']}."
    )


def median_rows(rows):
    """One row for each contestant: the median of every figure over its rounds."""
    grouped = {}
    for row in rows:
        grouped.setdefault(row["contestant"], []).append(row)
    return {name: {key: median([r[key] for r in group]) for key in group[0] if key != "contestant"} for name, group in grouped.items()}


def median(values):
    """The middle value; None if nothing was measured."""
    known = sorted(value for value in values if isinstance(value, (int, float)))
    return known[len(known) // 2] if known else None


def columns(head):
    """Heading, key, scale and format of what is shown; lower is better but for `reached`."""
    shown = [
        ("KB/object", "bytes_per_object", 1e-3, "{:,.2f}"),
        ("sync CPU µs/object", "sync_cpu_us_per_object", 1, "{:,.0f}"),
        ("sync s", "sync_wall_s", 1, "{:,.1f}"),
        ("sync peak MB", "sync_peak_rss", 1e-6, "{:,.0f}"),
        ("relist peak MB", "relist_peak_rss", 1e-6, "{:,.0f}"),
    ]
    for rate in head["options"]["rates"]:
        shown += [
            (f"CPU µs/event at {rate:,}/s", f"at_{rate}_cpu_us_per_event", 1, "{:,.0f}"),
            (f"reached at {rate:,}/s", f"at_{rate}_reached_per_s", 1, "{:,.0f}"),
            ("lag p50 ms", f"at_{rate}_lag_p50_ms", 1, "{:,.2f}"),
            ("p99 ms", f"at_{rate}_lag_p99_ms", 1, "{:,.2f}"),
        ]
    return shown


def figures_table(head, best):
    """The figures themselves."""
    shown = columns(head)
    lines = ["| contestant | " + " | ".join(column[0] for column in shown) + " |", "|---" * (len(shown) + 1) + "|"]
    for name, row in best.items():
        cells = [cell(row.get(key), scale, form) for _, key, scale, form in shown]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def cell(value, scale, form):
    """One number, or a dash."""
    return "–" if value is None else form.format(value * scale)


def ratio_table(head, best, baseline):
    """How many times better than the baseline each contestant is; below 1 is worse."""
    shown = columns(head)
    lines = [
        f"Times better than {baseline} (below 1 is worse):",
        "",
        "| contestant | " + " | ".join(column[0] for column in shown) + " |",
        "|---" * (len(shown) + 1) + "|",
    ]
    for name, row in best.items():
        cells = [ratio(row.get(key), best[baseline].get(key), "reached" in key) for _, key, _, _ in shown]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def ratio(value, base, higher_is_better):
    """Base over value, or the inverse where more is better."""
    if not value or not base:
        return "–"
    times = value / base if higher_is_better else base / value
    return f"{times:.2g}" if times < 1 else f"{times:,.1f}" if times < 100 else f"{times:,.0f}"
