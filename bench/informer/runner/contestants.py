"""What competes, how each is built and started."""

import dataclasses
import os
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent
# Where cargo builds; joining with an absolute path gives that path.
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
GO_OUT = TARGET / "bench-go"
PEERS_OUT = TARGET / "bench-peers"


@dataclasses.dataclass(frozen=True)
class Contestant:
    """One program and the flags that make it this contestant."""

    name: str
    builder: str  # client, peers, or the folder of a Go command
    flags: tuple = ()
    protobuf: bool = False

    def command(self, server, options):
        """The command line; `--flag` works for Go's and Rust's parsers alike."""
        common = ["--server", server, "--resource", options.resource]
        return [binary(self.builder, options.profile), *common, *self.flags]


CONTESTANTS = (
    Contestant("tidegate", "client", ("--mode", "default")),
    Contestant("tidegate-plain", "client", ("--mode", "plain")),
    Contestant("client-go-dynamic", "peer-dynamic"),
    Contestant("client-go-typed-json", "peer-typed", ("--encoding", "json")),
    Contestant("client-go-typed-protobuf", "peer-typed", ("--encoding", "protobuf"), protobuf=True),
    Contestant("kube-rs-dynamic", "peers", ("--kind", "dynamic")),
    Contestant("kube-rs-typed", "peers", ("--kind", "typed")),
)
TYPED_PODS_ONLY = "kube-rs-typed"


def choose(names, resource):
    """The contestants of that name, in the given order, without those that do not know the resource."""
    by_name = {contestant.name: contestant for contestant in CONTESTANTS}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise SystemExit(f"unknown: {', '.join(unknown)}; there are: {', '.join(by_name)}")
    chosen = [by_name[name] for name in names] or list(CONTESTANTS)
    return [each for each in chosen if resource == "pods" or each.name != TYPED_PODS_ONLY]


def binary(builder, profile):
    """Where a builder leaves its program."""
    if builder == "client":
        return TARGET / ("debug" if profile == "dev" else profile) / "informer-bench"
    if builder == "peers":
        return PEERS_OUT / "release" / "informer-bench-peers"
    return GO_OUT / builder


def build(contestants, profile, jobs):
    """Builds the replay server and what the contestants need, and nothing else."""
    builders = {contestant.builder for contestant in contestants}
    go = sorted(builders - {"client", "peers"}) + ["replay"]
    _run(["go", "build", "-p", str(jobs), "-o", f"{GO_OUT}/", *(f"./cmd/{name}" for name in go)], HERE / "go")
    cargo = ["cargo", "build", f"-j{jobs}"]
    if "client" in builders:
        _run([*cargo, "--profile", profile, "-p", "informer-bench"], ROOT)
    if "peers" in builders:
        _run([*cargo, "--locked", "--release", "--target-dir", str(PEERS_OUT)], HERE / "peers")


def _run(command, folder):
    print("+", " ".join(command), flush=True)
    subprocess.run(command, cwd=folder, check=True)
