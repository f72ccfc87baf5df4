"""What every proxy is configured with: the same routes to the same origin, the same certificate, the same access log.

A route is a host and the beginning of a path. Backends are addresses of one origin, so that every proxy has as many pools
of connections as a gateway of that size would have.
"""

import dataclasses
import os
import pathlib
import subprocess

PATHS = 5
BACKENDS = 50
ORIGIN_PORT = 20990


@dataclasses.dataclass(frozen=True)
class Ports:
    """Where one proxy listens."""

    host: str
    http: int  # HTTP/1.1
    h2c: int  # HTTP/2 with prior knowledge
    https: int  # HTTP/1.1 and HTTP/2 by ALPN
    admin: int


@dataclasses.dataclass(frozen=True)
class Plan:
    """One proxy's task."""

    routes: int
    folder: pathlib.Path  # of its own
    ports: Ports

    @property
    def paths(self):
        """Paths of each host."""
        return 1 if self.routes == 1 else PATHS

    @property
    def hosts(self):
        """Hosts, each with all paths."""
        return self.routes // self.paths

    @property
    def backends(self):
        """Addresses of the origin."""
        return addresses(self.routes)

    def each_host(self):
        """Every host with its backend's number."""
        return ((f"h{number:05}.bench.test", number % len(self.backends)) for number in range(self.hosts))

    def each_path(self):
        """The beginnings of every host's paths."""
        return (f"/p{number}/" for number in range(self.paths))

    @property
    def log(self):
        """The access log."""
        return self.folder / "access.log"

    @property
    def certificate(self):
        """Chain and key, for all hosts."""
        return self.folder.parent / "certificate.pem", self.folder.parent / "key.pem"

    def write(self, name, text):
        """A file of the proxy's own."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path


def addresses(routes):
    """What the origin listens on for so many routes."""
    count = 1 if routes == 1 else BACKENDS
    return [f"127.9.0.{number + 1}:{ORIGIN_PORT}" for number in range(count)]


def ports(number, own_address=False, prior_knowledge=False):
    """The ports of the contestant of that number. HTTP/2 with prior knowledge has a port of its own where it must."""
    first = 21000 + 10 * number
    host = f"127.42.{number}.1" if own_address else "127.0.0.1"
    return Ports(host, first, first if prior_knowledge else first + 1, first + 2, first + 3)


def make_certificate(folder):
    """A certificate for all hosts, of the kind that is cheapest for every proxy: ECDSA on P-256."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"]
    names = ["-subj", "/CN=bench.test", "-addext", "subjectAltName=DNS:*.bench.test"]
    files = ["-keyout", folder / "key.pem", "-out", folder / "certificate.pem"]
    subprocess.run([*command, *names, *files], check=True, capture_output=True)


def working_folder():
    """Where logs grow: in memory, so that no disk disturbs."""
    shared = pathlib.Path("/dev/shm")
    return shared if os.access(shared, os.W_OK) else None
