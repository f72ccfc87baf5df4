"""The contestants: how each is started on its core, and what its processes used."""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import socket
import time

from parts import caddy, engine, envoy, haproxy, nginx, tidegate
from parts.plan import Plan, ports
from runner.processes import Failed, running


@dataclasses.dataclass(frozen=True)
class Contestant:
    """How one is started."""

    command: object  # of a plan and a program
    package: str | None = None  # ours, which cargo builds
    own_address: bool = False
    prior_knowledge: bool = False  # on the port of HTTP/1.1


CONTESTANTS = {
    "tidegate": Contestant(tidegate.command, "tidegate", own_address=True, prior_knowledge=True),
    "nginx": Contestant(nginx.command),
    "haproxy": Contestant(haproxy.command),
    "envoy": Contestant(envoy.command),
    "caddy": Contestant(caddy.command),
    "engine": Contestant(engine.command, "proxy-engine", prior_knowledge=True),
}
NAMES = tuple(CONTESTANTS)
PROXY_CORE, LOAD_CORE = 1, 0
SETTLE_S = 600  # at most, from ready to calm
TICK = os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass
class Used:
    """CPU seconds so far: the sum is exact, its parts are as the kernel's ticks saw them."""

    total: float
    user: float
    system: float

    def since(self, before):
        """What was used in between."""
        return Used(self.total - before.total, self.user - before.user, self.system - before.system)


@dataclasses.dataclass
class Proxy:
    """A contestant that serves."""

    name: str
    plan: Plan
    pid: int
    ready_s: float

    def pids(self):
        """The process and its descendants."""
        parents = {}
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
                parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
        found = [self.pid]
        for pid in found:
            found += parents.get(pid, [])
        return found

    def used(self):
        """CPU of the whole tree."""
        return used(self.pids())

    def memory(self):
        """Resident bytes of the whole tree; pages that processes share count once in `pss`."""
        found = {"rss": 0, "pss": 0}
        for pid in self.pids():
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()[1:]:
                name, value = line.split()[:2]
                key = name.rstrip(":").lower()
                if key in found:
                    found[key] += int(value) * 1024
        return found

    def forget_log(self):
        """Empties the access log. It must have grown: a contestant without one would have it easier."""
        if not self.plan.log.exists() or self.plan.log.stat().st_size == 0:
            raise Failed(f"{self.name}: no access log")
        os.truncate(self.plan.log, 0)


def used(pids):
    """CPU of processes and their ended threads."""
    total = sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)
    ticks = [0, 0]
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks = [ticks[0] + int(fields[11]), ticks[1] + int(fields[12])]
    return Used(total, ticks[0] / TICK, ticks[1] / TICK)


def pinned(core, command):
    """A command line that stays on one core."""
    return ["taskset", "-c", core, *command]


@contextlib.contextmanager
def started(name, program, routes, parent):
    """A contestant for the duration of a block, once the last of its routes answers."""
    folder = parent / f"{name}-{routes}"
    folder.mkdir()
    contestant = CONTESTANTS[name]
    plan = Plan(routes, folder, ports(NAMES.index(name), contestant.own_address, contestant.prior_knowledge))
    began = time.monotonic()
    try:
        with running(name, pinned(PROXY_CORE, contestant.command(plan, program)), folder) as process:
            wait_ready(name, plan, process)
            ready_s = time.monotonic() - began
            # One that still writes down what it serves, as in statuses, would seem dearer for each request.
            process.wait_idle(SETTLE_S)
            yield Proxy(name, plan, process.pid, ready_s)
    except Failed as failure:
        raise Failed(f"{failure}\n{(folder / f'{name}.log').read_text(errors='replace')[-2000:]}") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def wait_ready(name, plan, process, patience=120):
    """Waits until the last host's last path answers."""
    host, path = list(plan.each_host())[-1][0], list(plan.each_path())[-1]
    request = f"GET {path}10 HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n".encode()
    deadline, said = time.monotonic() + patience, b""
    while time.monotonic() < deadline and process.alive():
        with contextlib.suppress(OSError), socket.create_connection((plan.ports.host, plan.ports.http), 5) as connection:
            connection.sendall(request)
            said = b"".join(iter(lambda: connection.recv(4096), b""))
            if said.startswith(b"HTTP/1.1 200 ") and said.endswith(b"x" * 10):
                return
        time.sleep(0.05)
    raise Failed(f"{name}: not ready: {said[:200]!r}")
