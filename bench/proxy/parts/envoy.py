"""Envoy as a contestant: one virtual host for each host, static clusters."""

import json

FIELDS = {
    "time": "%START_TIME%",
    "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    "method": "%REQ(:METHOD)%",
    "host": "%REQ(:AUTHORITY)%",
    "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
    "protocol": "%PROTOCOL%",
    "status": "%RESPONSE_CODE%",
    "bytes_in": "%BYTES_RECEIVED%",
    "bytes_out": "%BYTES_SENT%",
    "duration": "%DURATION%",
    "upstream": "%UPSTREAM_HOST%",
    "upstream_duration": "%RESPONSE_DURATION%",
    "user_agent": "%REQ(USER-AGENT)%",
}
TYPE = "type.googleapis.com/envoy"
HTTP = f"{TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"


def command(plan, program):
    """Writes the configuration; the command line."""
    path = plan.write("envoy.json", json.dumps(configuration(plan)))
    return [program, "-c", path, "--concurrency", "1", "--disable-hot-restart", "--log-level", "warn"]


def configuration(plan):
    """A static bootstrap. Clear text listeners know HTTP/2 by its preface."""
    return {
        "admin": {"address": address(plan.ports.admin)},
        "static_resources": {
            "listeners": [listener(plan, name, getattr(plan.ports, name)) for name in ("http", "h2c", "https")],
            "clusters": [cluster(number, where) for number, where in enumerate(plan.backends)],
        },
    }


def address(port, host="127.0.0.1"):
    """A socket address."""
    return {"socket_address": {"address": host, "port_value": port}}


def listener(plan, name, port):
    """One port. Timeouts and identifiers that others don't have are off."""
    log = {"@type": f"{TYPE}.extensions.access_loggers.file.v3.FileAccessLog", "path": str(plan.log), "log_format": {"json_format": FIELDS}}
    manager = {
        "@type": HTTP,
        "stat_prefix": name,
        "use_remote_address": True,
        "generate_request_id": False,
        "normalize_path": True,
        "access_log": [{"name": "file", "typed_config": log}],
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{TYPE}.extensions.filters.http.router.v3.Router"}}],
        "route_config": {"virtual_hosts": [virtual_host(plan, host, backend) for host, backend in plan.each_host()]},
    }
    chain = {"filters": [{"name": "http", "typed_config": manager}]}
    if name == "https":
        chain["transport_socket"] = tls(plan)
    return {"name": name, "address": address(port), "filter_chains": [chain]}


def tls(plan):
    """Termination with session tickets, which are on by default."""
    chain, key = plan.certificate
    common = {
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_certificates": [{"certificate_chain": {"filename": str(chain)}, "private_key": {"filename": str(key)}}],
    }
    context = {"@type": f"{TYPE}.extensions.transport_sockets.tls.v3.DownstreamTlsContext", "common_tls_context": common}
    return {"name": "tls", "typed_config": context}


def virtual_host(plan, host, backend):
    """One host."""
    routes = [{"match": {"prefix": path}, "route": {"cluster": f"b{backend}", "timeout": "0s"}} for path in plan.each_path()]
    return {"name": host, "domains": [host], "routes": routes}


def cluster(number, where):
    """One backend. The limits are far above the load."""
    host, port = where.split(":")
    endpoint = {"endpoint": {"address": address(int(port), host)}}
    limits = {name: 100_000 for name in ("max_connections", "max_pending_requests", "max_requests")}
    return {
        "name": f"b{number}",
        "type": "STATIC",
        "connect_timeout": "5s",
        "circuit_breakers": {"thresholds": [limits]},
        "load_assignment": {"cluster_name": f"b{number}", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
