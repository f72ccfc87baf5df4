"""What is measured of one contestant: a scenario, saturated and at a fixed rate; its memory."""

import contextlib
import dataclasses
import pathlib
import tempfile
import time

from parts.proxies import LOAD_CORE, pinned, used
from parts.plan import addresses
from runner.processes import running


@dataclasses.dataclass(frozen=True)
class Scenario:
    """One kind of request."""

    name: str
    rate: int  # requests each second, which the slowest contestant can bear on one core
    words: tuple  # of the load generator
    port: str = "http"
    streams: tuple = ("--connections", 32)


TLS = {"port": "https"}
TWO = {"streams": ("--connections", 4, "--streams", 8)}
SCENARIOS = (
    Scenario("1 KB GET", 4000, ("--size", 1024)),
    Scenario("64 KB GET", 2000, ("--size", 65536)),
    Scenario("16 KB POST", 2500, ("--size", 16, "--body", 16384)),
    Scenario("1 KB GET, new connection", 2000, ("--size", 1024, "--connect")),
    Scenario("1 KB GET, TLS", 3000, ("--size", 1024, "--tls"), **TLS),
    Scenario("1 KB GET, new TLS connection, resumed", 800, ("--size", 1024, "--tls", "--connect"), **TLS),
    Scenario("1 KB GET, new TLS connection, full", 500, ("--size", 1024, "--tls", "--connect", "--no-resumption"), **TLS),
    Scenario("1 KB GET, h2c", 4000, ("--size", 1024, "--http2"), "h2c", **TWO),
    Scenario("1 KB GET, h2 over TLS", 3000, ("--size", 1024, "--http2", "--tls"), **TLS, **TWO),
)
MAIN = SCENARIOS[0].name


class Bench:
    """The load generator and the origin on their core."""

    def __init__(self, client, options, origin):
        self._client, self._options, self._origin = client, options, origin

    def measure(self, proxy, scenario):
        """Both loads of a scenario, as a flat dict."""
        figures = self.load(proxy, scenario, None)
        return figures | self.load(proxy, scenario, scenario.rate * self._options.rate_share)

    def load(self, proxy, scenario, rate):
        """One load; the CPU is read where the generator begins and ends to count."""
        kind = "fixed" if rate else "full"
        plan = proxy.plan
        command = [self._client, "load", "--target", f"{plan.ports.host}:{getattr(plan.ports, scenario.port)}"]
        command += ["--hosts", plan.hosts, "--paths", plan.paths, *scenario.words, *scenario.streams]
        command += ["--warm-up", self._options.warm_up, "--seconds", self._options.seconds]
        command += ["--rate", rate] if rate else []
        with tempfile.TemporaryDirectory() as logs, running("load", pinned(LOAD_CORE, command), pathlib.Path(logs)) as load:
            generators = [load.pid, self._origin.pid]
            load.expect("WARM", 30)
            before, others, began = proxy.used(), used(generators), time.monotonic()
            counted = int(fields(load.expect("COUNTED", 30 + self._options.seconds))["n"])
            spent, others, seconds = proxy.used().since(before), used(generators).since(others), time.monotonic() - began
            said = fields(load.expect("DONE", 30))
        figures = {
            "rate": rate,
            "rps": counted / seconds,
            "cpu_us": spent.total / max(counted, 1) * 1e6,
            # The kernel's ticks are coarse: they say how the exact sum divides.
            "user_us": spent.total / max(counted, 1) * 1e6 * spent.user / max(spent.user + spent.system, 1e-9),
            "share": spent.total / seconds,
            "load_share": others.total / seconds,
            **{f"{key}_us": int(said[key]) / 1000 for key in ("p50", "p99", "p999", "max")},
            **{key: int(said[key]) for key in ("errors", "handshakes", "resumed")},
        }
        if figures["errors"]:
            figures["first_error"] = said["first_error"]
        return {f"{kind}_{key}": value for key, value in figures.items()}

    def memory(self, proxy):
        """Resident bytes once every route has been asked for, with keep-alive and with TLS."""
        idle = proxy.memory()
        for scenario in (SCENARIOS[0], SCENARIOS[4]):
            self.load(proxy, scenario, scenario.rate * self._options.rate_share)
        time.sleep(self._options.warm_up)
        return {f"idle_{key}": value for key, value in idle.items()} | proxy.memory() | {"ready_s": proxy.ready_s}


@contextlib.contextmanager
def origin(client, routes, folder):
    """The origin for the duration of a block."""
    with running("origin", pinned(LOAD_CORE, [client, "origin", *addresses(routes)]), folder) as process:
        process.expect("LISTENING", 10)
        yield process


def fields(words):
    """`a=1 b=2` as a dict of strings."""
    return dict(word.split("=", 1) for word in words)
