"""One round with one server: started, idle, filled, written to, watched."""

import signal
import tempfile
import pathlib
import time

from parts.servers import started
from runner.processes import running


def measure(name, programs, options):
    """All figures of a round, as a flat dict."""
    figures = {"contestant": name}
    figures["start_s"] = start(name, programs, options)
    with started(name, programs, options.folder) as server:
        figures["start_s"].append(server.ready_s)
        figures["ready_ms"] = sorted(figures["start_s"])[len(figures["start_s"]) // 2] * 1000
        load = Load(programs["client"], server, options)
        figures |= memory(server, "idle", options)
        figures |= fill(load, options)
        figures |= memory(server, "filled", options)
        for writers in options.writers:
            figures |= write(load, writers, options.seconds)
        figures |= fanout(load, options)
        figures |= memory(server, "after", options)
    figures["bytes_per_object"] = (figures["filled_pss"] - figures["idle_pss"]) / options.count
    return figures


def start(name, programs, options):
    """Seconds to ready of some servers that do nothing else."""
    times = []
    for _ in range(options.starts - 1):
        with started(name, programs, options.folder) as server:
            times.append(server.ready_s)
    return times


def memory(server, when, options):
    """Resident bytes once the server is idle, and some time after that; and the CPU that it takes all the same."""
    server.wait_idle(120)
    began, cpu = time.monotonic(), server.cpu()
    time.sleep(options.settle)
    share = (server.cpu() - cpu) / (time.monotonic() - began)
    return {f"{when}_rss": server.memory("Rss"), f"{when}_pss": server.memory("Pss"), f"{when}_cpu_share": share}


class Load:
    """The client's command line, and what it costs the server."""

    def __init__(self, program, server, options):
        self.server = server
        self._command = [program, "--kubeconfig", server.kubeconfig, "--value-bytes", options.value_bytes]

    def running(self, logs, *words):
        """A client at work."""
        return running("client", [*self._command, *words], logs)

    def run(self, word, patience, *words):
        """What a load says in the end, and the CPU seconds that the server spent on it."""
        with tempfile.TemporaryDirectory() as logs:
            cpu = self.server.cpu()
            with self.running(pathlib.Path(logs), *words) as client:
                said = fields(client.expect(word, patience))
            return said, self.server.cpu() - cpu


def fill(load, options):
    """Many objects, as fast as they are taken."""
    said, cpu = load.run("FILLED", 60 + options.count / 50, "fill", "--count", options.count)
    seconds = float(said["seconds"])
    return {"fill_per_s": options.count / seconds, "fill_cpu_us_per_write": cpu / options.count * 1e6}


def write(load, writers, seconds):
    """Writes by so many writers, each of which waits for its answers."""
    said, cpu = load.run("WRITTEN", seconds + 60, "write", "--writers", writers, "--seconds", seconds)
    count = int(said["n"])
    figures = {
        "writes": count,
        "writes_per_s": count / float(said["seconds"]),
        "write_p50_ms": int(said["p50"]) / 1e6,
        "write_p99_ms": int(said["p99"]) / 1e6,
        "write_max_ms": int(said["max"]) / 1e6,
        "write_cpu_us": cpu / count * 1e6,
    }
    return {f"at_{writers}_{key}": value for key, value in figures.items()}


def fanout(load, options):
    """Single changes that many watchers wait for; what the server spends on them, the write included."""
    words = ["fanout", "--watchers", options.watchers, "--changes", options.changes]
    with tempfile.TemporaryDirectory() as logs, load.running(pathlib.Path(logs), *words) as client:
        client.expect("WATCHING", 60)
        load.server.wait_idle(60)
        cpu = load.server.cpu()
        said = fields(client.ask(signal.SIGUSR1, "CHANGED"))
        cpu = load.server.cpu() - cpu
    return {
        "fanout_cpu_ms": cpu / options.changes * 1000,
        "fanout_last_p50_ms": int(said["p50"]) / 1e6,
        "fanout_last_p99_ms": int(said["p99"]) / 1e6,
        "fanout_answer_p50_ms": int(said["answer_p50"]) / 1e6,
    }


def fields(words):
    """`a=1 b=2` as a dict of strings."""
    return dict(word.split("=", 1) for word in words)
