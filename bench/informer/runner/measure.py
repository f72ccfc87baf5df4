"""One contestant's run, phase by phase, against a replay server of its own."""

import json
import signal
import time
import urllib.request

from runner import contestants as programs
from runner.processes import Failed, running

MIB = 1024 * 1024


class Replay:
    """The replay server and its control endpoint."""

    def __init__(self, process, url):
        self.process, self.url = process, url

    def post(self, path, timeout):
        """Sends a command and returns the answer."""
        request = urllib.request.Request(self.url + path, method="POST")
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.load(answer)

    def status(self):
        """What the server knows of its watches."""
        with urllib.request.urlopen(self.url + "/control/status", timeout=30) as answer:
            return json.load(answer)

    def wait_served(self, more_than, timeout):
        """Waits until another complete picture was sent."""
        deadline = time.monotonic() + timeout
        while self.status()["served"] <= more_than:
            if time.monotonic() > deadline:
                raise Failed(f"the client did not list again within {timeout:.0f} s")
            time.sleep(0.1)


def replay_command(contestant, options):
    """The server's command line; protobuf is encoded only for those who read it, for it takes memory."""
    command = [programs.GO_OUT / "replay", "-count", options.count, "-resource", options.resource]
    command += ["-managed-fields", options.managed_fields, "-seed", options.seed]
    return command + (["-protobuf"] if contestant.protobuf else [])


def measure(contestant, options, log_folder):
    """All figures of one contestant, as a flat dict."""
    patience = 60 + options.count / 200
    with running("replay", replay_command(contestant, options), log_folder) as server:
        size = fields(server.expect("OBJECTS", patience))
        replay = Replay(server, server.expect("READY", patience)[0])
        command = contestant.command(replay.url, options)
        with running(contestant.name, command, log_folder) as client:
            figures = {"contestant": contestant.name, "json_bytes_mean": int(size["json_bytes_mean"])}
            figures |= sync(client, options, patience)
            figures |= relist(client, replay, figures["base_rss"], patience)
            for rate in options.rates:
                figures |= updates(client, replay, rate, options)
            return figures


def sync(client, options, patience):
    """From the empty process to a full cache, then memory after the contestant tidied up."""
    client.expect("BASE", 30)
    time.sleep(0.5)
    base, cpu = client.rss(), client.cpu()
    client.reset_peak()
    synced = fields(client.expect("SYNCED", patience))
    if int(synced["n"]) != options.count:
        raise Failed(f"{client.name} reported {synced['n']} objects instead of {options.count}")
    cpu = client.cpu() - cpu
    peak = client.peak()
    client.wait_idle(patience)
    client.ask(signal.SIGUSR1, "GC")
    time.sleep(0.5)
    steady = client.rss() - base
    return {
        "base_rss": base,
        "steady_rss": steady,
        "bytes_per_object": steady / options.count,
        "sync_wall_s": float(synced["wall"]),
        "sync_cpu_s": cpu,
        "sync_cpu_us_per_object": cpu / options.count * 1e6,
        "sync_peak_rss": peak,
    }


def relist(client, replay, base, patience):
    """All watches end with 410; the client fetches everything again although nothing has changed."""
    client.reset_peak()
    cpu, began = client.cpu(), time.monotonic()
    served = replay.status()["served"]
    replay.post("/control/relist", 30)
    replay.wait_served(served, patience)
    wall = time.monotonic() - began
    client.wait_idle(patience)
    cpu, peak = client.cpu() - cpu, client.peak()
    client.ask(signal.SIGUSR1, "GC")
    time.sleep(0.5)
    return {
        "relist_peak_rss": peak,
        "relist_cpu_s": cpu,
        "relist_wall_s": wall,
        "relist_steady_rss": client.rss() - base,
    }


def updates(client, replay, rate, options):
    """Updates at a rate. Only what was handled by the end of the run counts as reached."""
    client.ask(signal.SIGUSR2, "LAG")
    client.reset_peak()
    cpu = client.cpu()
    report = replay.post(f"/control/updates?rate={rate}&seconds={options.seconds}", options.seconds * 5 + 60)
    time.sleep(0.02)  # the last batch is on its way
    lag = fields(client.ask(signal.SIGUSR2, "LAG"))
    cpu = client.cpu() - cpu
    handled = int(lag["n"])
    figures = {
        "sent": report["sent"],
        "seconds": report["seconds"],
        "server_late_ms": report["late_ms_max"],
        "handled": handled,
        "reached_per_s": handled / report["seconds"],
        "cpu_us_per_event": cpu / handled * 1e6 if handled else None,
        "cpu_share": cpu / report["seconds"],
        "lag_p50_ms": int(lag["p50"]) / 1e6,
        "lag_p99_ms": int(lag["p99"]) / 1e6,
        "lag_max_ms": int(lag["max"]) / 1e6,
        "peak_rss": client.peak(),
    }
    drain(replay, options.seconds)
    return {f"at_{rate}_{key}": value for key, value in figures.items()}


def drain(replay, patience):
    """Gives a client that fell behind some time, so that the next rate does not start with a backlog."""
    deadline = time.monotonic() + 2 * patience
    while replay.status()["backlog"] > 0 and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(1)


def fields(words):
    """`a=1 b=2` as a dict of strings."""
    return dict(word.split("=", 1) for word in words)
