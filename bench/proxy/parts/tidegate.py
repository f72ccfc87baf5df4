"""The gateway as a contestant: all in one process, its API server too, with an HTTPRoute for each route."""

import base64
import json

CLASS = "tidegate"
NAMESPACE = "default"


def command(plan, program):
    """Writes the manifests; the command line."""
    folder = plan.folder / "manifests"
    folder.mkdir()
    documents = [secret(plan), gateway(plan), *(backend(number, where) for number, where in enumerate(plan.backends))]
    documents += [route(host, path, number) for host, number in plan.each_host() for path in plan.each_path()]
    (folder / "bench.yaml").write_text("".join(f"---\n{json.dumps(each)}\n" for each in documents), encoding="utf-8")
    where = ["--data-dir", plan.folder / "data", "--listen", f"127.0.0.1:{plan.ports.admin + 1}", "--manifests", folder]
    gateway_flags = ["--address-pool", f"{plan.ports.host}/24", "--gateway-workers", 1, "--admin", f"127.0.0.1:{plan.ports.admin}"]
    gateway_flags += ["--access-log", "json", "--access-log-file", plan.log]
    return [program, "up", *where, *gateway_flags]


def named(kind, version, name, spec):
    """An object."""
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}


def secret(plan):
    """The certificate."""
    chain, key = (base64.b64encode(path.read_bytes()).decode() for path in plan.certificate)
    data = {"tls.crt": chain, "tls.key": key}
    return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": "bench", "namespace": NAMESPACE}, "data": data}


def gateway(plan):
    """Listeners without hostnames. HTTP/2 with prior knowledge is spoken where HTTP/1.1 is."""
    tls = {"certificateRefs": [{"name": "bench"}]}
    listeners = [
        {"name": "http", "port": plan.ports.http, "protocol": "HTTP"},
        {"name": "https", "port": plan.ports.https, "protocol": "HTTPS", "tls": tls},
    ]
    spec = {"gatewayClassName": CLASS, "addresses": [{"value": plan.ports.host}], "listeners": listeners}
    return named("Gateway", "gateway.networking.k8s.io/v1", "bench", spec)


def backend(number, where):
    """One address of the origin."""
    host, port = where.split(":")
    return named("Backend", "tidegate.dev/v1alpha1", f"b{number}", {"endpoints": [{"host": host, "port": int(port)}]})


def route(host, path, number):
    """One route."""
    name = host.partition(".")[0] + path.strip("/")
    reference = {"group": "tidegate.dev", "kind": "Backend", "name": f"b{number}"}
    rule = {"matches": [{"path": {"type": "PathPrefix", "value": path}}], "backendRefs": [reference]}
    spec = {"parentRefs": [{"name": "bench"}], "hostnames": [host], "rules": [rule]}
    return named("HTTPRoute", "gateway.networking.k8s.io/v1", name, spec)
