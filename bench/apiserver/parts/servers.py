"""The servers that are compared: how each is built and started, and which processes it is."""

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from runner.contestants import ROOT, TARGET
from runner.processes import Failed, running

KUBERNETES = "etcd + kube-apiserver"
TIDEGATE = "tidegate"


@dataclasses.dataclass
class Running:
    """A server that is ready."""

    name: str
    kubeconfig: pathlib.Path
    pids: dict  # of all that is counted, by name
    ready_s: float

    def cpu(self):
        """CPU seconds of all processes and their ended threads, to the nanosecond."""
        return sum(time.clock_gettime((~pid << 3) | 2) for pid in self.pids.values())

    def memory(self, kind):
        """Bytes of all processes: `Rss`, or `Pss`, where pages that processes share are counted once."""
        return sum(_rollup(pid)[kind] for pid in self.pids.values())

    def wait_idle(self, patience, quiet=1.0, share=0.05):
        """Returns once the processes used less than `share` of a CPU for `quiet` seconds."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            before = self.cpu()
            time.sleep(quiet)
            if self.cpu() - before < share * quiet:
                return
        raise Failed(f"{self.name}: still busy after {patience:.0f} s")


def _rollup(pid):
    fields = {}
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()[1:]:
        name, value = line.split()[:2]
        fields[name.rstrip(":")] = int(value) * 1024
    return fields


def build(names, profile, jobs):
    """Builds the client and the servers; the programs by name."""
    folder = TARGET / ("debug" if profile == "dev" else profile)
    command = ["cargo", "build", f"-j{jobs}", "--profile", profile, "-p", "apiserver-bench"]
    _run(command + (["-p", "tidegate"] if TIDEGATE in names else []))
    programs = {"client": folder / "apiserver-bench", TIDEGATE: folder / "tidegate"}
    if KUBERNETES in names:
        built = subprocess.run([ROOT / "testcluster" / "build.sh"], stdout=subprocess.PIPE, text=True, check=True)
        programs[KUBERNETES] = pathlib.Path(built.stdout.strip())
    return programs


def _run(command):
    print("+", " ".join(command), flush=True)
    subprocess.run(command, cwd=ROOT, check=True)


@contextlib.contextmanager
def started(name, programs, parent):
    """A server with a new data directory for the duration of a block. Both wait for the disk before they answer."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="apiserver-bench-", dir=parent))
    try:
        start = _kubernetes if name == KUBERNETES else _tidegate
        with start(programs[name], folder) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _tidegate(program, folder):
    kubeconfig = folder / "admin.kubeconfig"
    command = [program, "up", "--no-gateway", "--data-dir", folder / "data", "--kubeconfig", kubeconfig]
    began = time.monotonic()
    with running(TIDEGATE, command, folder) as process:
        process.expect("Tidegate", 60)
        ready = time.monotonic() - began
        yield Running(TIDEGATE, kubeconfig, {TIDEGATE: process.pid}, ready)


@contextlib.contextmanager
def _kubernetes(program, folder):
    # The test cluster spares etcd the disk; here it must not. Its own clock begins before the keys are made and ends
    # with the first /readyz that says ok, asked every 25 ms.
    command = [program, "up", "--dir", folder / "cluster", "--controller-manager=false", "--etcd-arg=--unsafe-no-fsync=false"]
    with running("testcluster", command, folder) as process:
        about = json.loads(process.line(120))
        pids = {name: pid for name, pid in about["pids"].items() if name != "supervisor"}
        check_fsync(pids["etcd"])
        yield Running(KUBERNETES, pathlib.Path(about["kubeconfig"]), pids, about["started_ms"] / 1000)


def check_fsync(pid):
    """etcd must have been told last that it waits for the disk."""
    words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    said = [word for word in words if word.startswith("--unsafe-no-fsync")]
    if said and said[-1] != "--unsafe-no-fsync=false":
        raise Failed("etcd does not wait for the disk")


def fsync_ms(parent, times=100):
    """What one wait for the disk takes: median and 99 % of some, each after 2 KB."""
    took = []
    with tempfile.NamedTemporaryFile(dir=parent) as file:
        for _ in range(times):
            file.write(b"x" * 2048)
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    took.sort()
    return {"p50": round(took[times // 2], 3), "p99": round(took[times * 99 // 100], 3)}
