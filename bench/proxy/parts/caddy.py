"""Caddy as a contestant: what a Caddyfile with one site for each host becomes."""

import json


def command(plan, program):
    """Writes the configuration; the command line. It takes as many cores as it is given."""
    path = plan.write("caddy.json", json.dumps(configuration(plan)))
    return ["env", f"XDG_DATA_HOME={plan.folder}", f"XDG_CONFIG_HOME={plan.folder}", program, "run", "--config", path]


def configuration(plan):
    """Two servers, as one server is with TLS or without."""
    ports = plan.ports
    chain, key = plan.certificate
    access = {
        "writer": {"output": "file", "filename": str(plan.log), "roll": False},
        "encoder": {"format": "json"},
        "include": ["http.log.access"],
    }
    return {
        "admin": {"listen": f"127.0.0.1:{ports.admin}"},
        "logging": {"logs": {"access": access, "default": {"level": "ERROR", "exclude": ["http.log.access"]}}},
        "apps": {
            "http": {
                "metrics": {},
                "servers": {"plain": server(plan, [ports.http, ports.h2c]), "tls": server(plan, [ports.https], tls_connection_policies=[{}])},
            },
            "tls": {"certificates": {"load_files": [{"certificate": str(chain), "key": str(key)}]}},
        },
    }


def server(plan, ports, **more):
    """A server with all routes."""
    return {
        "listen": [f"127.0.0.1:{port}" for port in ports],
        "protocols": ["h1", "h2", "h2c"],
        "automatic_https": {"disable": True},
        "routes": [site(plan, host, backend) for host, backend in plan.each_host()],
        "logs": {},
        **more,
    }


def site(plan, host, backend):
    """One host."""
    proxy = {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": plan.backends[backend]}],
        "transport": {"protocol": "http", "keep_alive": {"max_idle_conns_per_host": 256, "idle_timeout": "1h"}},
    }
    paths = [{"match": [{"path": [f"{path}*"]}], "handle": [proxy]} for path in plan.each_path()]
    return {"match": [{"host": [host]}], "handle": [{"handler": "subroute", "routes": paths}], "terminal": True}
