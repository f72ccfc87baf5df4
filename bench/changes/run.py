#!/usr/bin/env python3
"""Changes a gateway's configuration on a real kube-apiserver: failed requests under load, and the time until served.

Starts etcd, kube-apiserver and `tidegate gateway`, then drives both with the client beside this file. When the client asks
for it, kills the API server, or lets another process of the gateway take over. Exits with a failure when a single request
failed, or when routes are served later than `--p50-ms` and `--p99-ms` say. Keeps all figures as JSON lines under results/,
or elsewhere by `--results`.
"""

import argparse
import contextlib
import datetime
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# Processes and the machine are looked at as in the informer's benchmark.
sys.path[:0] = [str(HERE.parent / "informer")]

from runner.contestants import TARGET  # noqa: E402  (needs the path above)
from runner.processes import Failed, running  # noqa: E402

PORT = 8080
POOL = "127.43.0.0/16"
# What the old process needs beyond its grace to end.
UPGRADE_PATIENCE = 30
CHURN = {
    "edits": (1000, "of one route under load"),
    "routes": (3000, "that come and go under load"),
    "rolls": (100, "of a backend's endpoints under load"),
    "rotations": (50, "of a listener's certificate under load"),
    "outages": (3, "of the API server, which is killed, under load"),
    "upgrades": (5, "of the gateway's process under load"),
    "storms": (5, "in which the API server is killed, the process is upgraded and all else changes, at once"),
}
LIMITS = {"p50_ms": "half of the timed routes", "p99_ms": "99 of 100 timed routes"}
QUICK = {"present": 200, "added": 100, "edits": 100, "routes": 100, "rolls": 5, "rotations": 5}
QUICK |= {"outages": 1, "upgrades": 1, "storms": 1, "grace": 9, "profile": "dev"}
LOADS = {"propagation": ["present", "added", *LIMITS], "churn": list(CHURN)}
DEFINITIONS = [ROOT / "crates/tidegate/manifests/gateway-api", ROOT / "crates/compile/crds"]


def parse(arguments):
    """The options; `--quick` changes the defaults."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--present", type=int, default=5000, help="routes that are there before (default: 5000)")
    parser.add_argument("--added", type=int, default=3000, help="routes that are timed, one by one (default: 3000)")
    for name, (count, words) in CHURN.items():
        parser.add_argument(f"--{name}", type=int, default=count, help=f"{words} (default: {count})")
    for name, words in LIMITS.items():
        flag = "--" + name.replace("_", "-")
        parser.add_argument(flag, type=float, help=f"milliseconds within which {words} must be served (default: not looked at)")
    parser.add_argument("--grace", type=int, default=10, help="seconds that a process gives connections when another one takes over (default: 10)")
    parser.add_argument("--only", choices=list(LOADS), help="one of the two")
    parser.add_argument("--profile", default="dist", choices=["dist", "release", "dev"], help="of the gateway and the client")
    parser.add_argument("--programs", type=pathlib.Path, help="a folder with built programs, instead of building them")
    parser.add_argument("--results", type=pathlib.Path, default=HERE / "results", help="where figures are kept")
    parser.add_argument("--logs", type=pathlib.Path, help="where what the programs say is kept (default: nowhere)")
    parser.add_argument("--quick", action="store_true", help="few of everything and a debug build: does it work?")
    if "--quick" in arguments:
        parser.set_defaults(**QUICK, results=TARGET / "bench-changes")
    return parser.parse_args(arguments)


def build(options):
    """The programs by name."""
    folder = options.programs
    if not folder:
        command = ["cargo", "build", "-j2", "--profile", options.profile, "-p", "tidegate", "-p", "gateway-changes"]
        print("+", " ".join(command), flush=True)
        subprocess.run(command, cwd=ROOT, check=True)
        folder = TARGET / ("debug" if options.profile == "dev" else options.profile)
    cluster = subprocess.run([ROOT / "testcluster" / "build.sh"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return {"tidegate": folder / "tidegate", "client": folder / "gateway-changes", "testcluster": pathlib.Path(cluster)}


class Served:
    """A cluster with the definitions, and a ready gateway; what the client asks to be done to them."""

    def __init__(self, programs, grace, folder, processes):
        self._programs = programs
        self.grace = grace
        self._folder = folder
        self._processes = processes
        self._generation = 0
        cluster = [programs["testcluster"], "up", "--dir", self._cluster, "--controller-manager=false"]
        about = processes.enter_context(running("testcluster", cluster, folder)).line(120)
        self.kubeconfig = json.loads(about)["kubeconfig"]
        define(programs["testcluster"], self.kubeconfig)
        self.gateway = self._start_gateway()

    @property
    def _cluster(self):
        return self._folder / "cluster"

    def _start_gateway(self):
        self._generation += 1
        state = ["--state-dir", self._folder / "state", "--allow-local-backends"]
        flags = ["--kubeconfig", self.kubeconfig, "--address-pool", POOL, "--admin", "127.0.0.1:19941", "--access-log", "off", "--grace", self.grace]
        command = [self._programs["tidegate"], "gateway", *flags, *state]
        return self._processes.enter_context(running(f"tidegate-{self._generation}", command, self._folder))

    def _control(self, *words):
        subprocess.run([self._programs["testcluster"], "ctl", "--dir", self._cluster, *words], check=True, stdout=subprocess.DEVNULL)

    def do(self, deed):
        """Carries out what the client asks for."""
        match deed:
            case "kill-api-server":
                self._control("apiserver", "kill")
            case "start-api-server":
                self._control("apiserver", "start")
            case "upgrade":
                old, self.gateway = self.gateway, self._start_gateway()
                wait_for_end(old, self.grace + UPGRADE_PATIENCE)
            case _:
                raise Failed(f"the client asks for an unknown deed: {deed}")


def wait_for_end(process, patience):
    """Returns when a process has ended by itself."""
    deadline = time.monotonic() + patience
    while process.alive():
        if time.monotonic() > deadline:
            raise Failed(f"{process.name} still runs {patience} s after another has begun")
        time.sleep(0.05)


def define(kubectl, kubeconfig):
    """Custom resource definitions, established."""
    base = [kubectl, "kubectl", "--kubeconfig", kubeconfig]
    for where in DEFINITIONS:
        subprocess.run([*base, "apply", "--server-side", "-f", where], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([*base, "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"], check=True, stdout=subprocess.DEVNULL)


def drive(programs, served, command, flags):
    """What the client says, as a dict, and whether all is well; does what it asks for, several deeds at once."""
    words = [f"--{name.replace('_', '-')}={value}" for name, value in flags.items() if value is not None]
    setting = ["--kubeconfig", served.kubeconfig, "--port", str(PORT), "--grace", str(served.grace)]
    last = ""
    failures = []
    with subprocess.Popen([programs["client"], *setting, command, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:

        def do(deed):
            try:
                served.do(deed)
                print("done", deed, file=client.stdin, flush=True)
            except (Failed, OSError, subprocess.SubprocessError) as failure:
                failures.append(f"{deed}: {failure}")
                client.kill()

        for line in client.stdout:
            word, _, deed = line.strip().partition(" ")
            if word == "do":
                threading.Thread(target=do, args=[deed], daemon=True).start()
            else:
                last = line
    if failures or not last:
        raise Failed(f"{command}: {'; '.join(failures) or f'the client said nothing (exit code {client.returncode})'}")
    return json.loads(last), client.returncode == 0


@contextlib.contextmanager
def workplace(logs):
    """A folder for a run. The logs in it are kept where there is a place for them."""
    with tempfile.TemporaryDirectory(prefix="gateway-changes-") as folder:
        folder = pathlib.Path(folder)
        try:
            yield folder
        finally:
            if logs:
                logs.mkdir(parents=True, exist_ok=True)
                for log in folder.glob("*.log"):
                    shutil.copy(log, logs)


def main(arguments):
    """Runs both; the exit status says whether any request failed."""
    options = parse(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    programs = build(options)
    loads = {name: {flag: getattr(options, flag) for flag in flags} for name, flags in LOADS.items()}
    right = True
    rows = []
    for name in [options.only] if options.only else loads:
        with workplace(options.logs and options.logs / name) as folder, contextlib.ExitStack() as processes:
            served = Served(programs, options.grace, folder, processes)
            figures, passed = drive(programs, served, name, loads[name])
            row = {"load": name, "profile": options.profile, "grace": options.grace, "gateway_rss": served.gateway.rss(), **figures}
            print(json.dumps(row), flush=True)
            rows.append(row)
            right = right and passed
    options.results.mkdir(parents=True, exist_ok=True)
    kept = options.results / f"{datetime.date.today()}-changes.jsonl"
    kept.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return 0 if right else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Failed as failure:
        sys.exit(str(failure))
