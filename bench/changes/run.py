#!/usr/bin/env python3
"""Changes a gateway's configuration on a real kube-apiserver: failed requests under load, and the time until served.

Starts etcd, kube-apiserver and `tidegate gateway`, then drives both with the client beside this file. Exits with a
failure when a single request failed. Keeps all figures as JSON lines under results/, or elsewhere by `--results`.
"""

import argparse
import contextlib
import datetime
import json
import pathlib
import signal
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# Processes and the machine are looked at as in the informer's benchmark.
sys.path[:0] = [str(HERE.parent / "informer")]

from runner.contestants import TARGET  # noqa: E402  (needs the path above)
from runner.processes import Failed, running  # noqa: E402

PORT = 8080
POOL = "127.43.0.0/16"
QUICK = {"present": 200, "added": 100, "edits": 100, "routes": 100, "rolls": 5, "profile": "dev"}
DEFINITIONS = [ROOT / "crates/tidegate/manifests/gateway-api", ROOT / "crates/compile/crds"]


def parse(arguments):
    """The options; `--quick` changes the defaults."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--present", type=int, default=5000, help="routes that are there before (default: 5000)")
    parser.add_argument("--added", type=int, default=3000, help="routes that are timed, one by one (default: 3000)")
    parser.add_argument("--edits", type=int, default=1000, help="of one route under load (default: 1000)")
    parser.add_argument("--routes", type=int, default=3000, help="that come and go under load (default: 3000)")
    parser.add_argument("--rolls", type=int, default=100, help="of a backend's endpoints under load (default: 100)")
    parser.add_argument("--only", choices=["propagation", "churn"], help="one of the two")
    parser.add_argument("--profile", default="dist", choices=["dist", "release", "dev"], help="of the gateway and the client")
    parser.add_argument("--programs", type=pathlib.Path, help="a folder with built programs, instead of building them")
    parser.add_argument("--results", type=pathlib.Path, default=HERE / "results", help="where figures are kept")
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


@contextlib.contextmanager
def served(programs, folder):
    """A cluster with the definitions and a ready gateway, for the duration of a block."""
    cluster = folder / "cluster"
    arguments = [programs["testcluster"], "up", "--dir", cluster, "--controller-manager=false"]
    with running("testcluster", arguments, folder) as process:
        about = json.loads(process.line(120))
        kubeconfig = about["kubeconfig"]
        define(programs["testcluster"], kubeconfig)
        flags = ["--kubeconfig", kubeconfig, "--address-pool", POOL, "--admin", "127.0.0.1:19941", "--access-log", "off"]
        gateway = [programs["tidegate"], "gateway", *flags, "--state-dir", folder / "state", "--allow-local-backends"]
        with running("tidegate", gateway, folder) as gateway_process:
            yield kubeconfig, gateway_process


def define(kubectl, kubeconfig):
    """Custom resource definitions, established."""
    base = [kubectl, "kubectl", "--kubeconfig", kubeconfig]
    for where in DEFINITIONS:
        subprocess.run([*base, "apply", "--server-side", "-f", where], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([*base, "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"], check=True, stdout=subprocess.DEVNULL)


def drive(programs, kubeconfig, command, counts):
    """What the client says, as a dict."""
    flags = [f"--{name}={count}" for name, count in counts.items()]
    arguments = [programs["client"], "--kubeconfig", kubeconfig, "--port", str(PORT), command, *flags]
    done = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, check=False)
    lines = done.stdout.splitlines()
    if not lines:
        raise Failed(f"{command}: the client said nothing (exit code {done.returncode})")
    return json.loads(lines[-1]), done.returncode == 0


def main(arguments):
    """Runs both; the exit status says whether any request failed."""
    options = parse(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    programs = build(options)
    loads = {
        "propagation": {"present": options.present, "added": options.added},
        "churn": {"edits": options.edits, "routes": options.routes, "rolls": options.rolls},
    }
    right = True
    rows = []
    for name in [options.only] if options.only else loads:
        with tempfile.TemporaryDirectory(prefix="gateway-changes-") as folder, served(programs, pathlib.Path(folder)) as (kubeconfig, gateway):
            figures, passed = drive(programs, kubeconfig, name, loads[name])
            row = {"load": name, "profile": options.profile, "gateway_rss": gateway.rss(), **figures}
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
