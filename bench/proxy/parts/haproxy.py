"""HAProxy as a contestant: all routes in one map of prefixes, as its manual recommends for many."""

FIELDS = (
    ("time", "%tr"),
    ("client", "%ci"),
    ("method", "%HM"),
    ("host", "%[capture.req.hdr(0)]"),
    ("path", "%HU"),
    ("protocol", "%HV"),
    ("status", "%ST"),
    ("bytes_in", "%U"),
    ("bytes_out", "%B"),
    ("duration", "%Ta"),
    ("upstream", "%si:%sp"),
    ("upstream_duration", "%Tr"),
    ("user_agent", "%[capture.req.hdr(1)]"),
)


def command(plan, program):
    """Writes the configuration; the command line. The log goes to the standard output, and that to a file."""
    lines = (f"{host}{path} b{backend}\n" for host, backend in plan.each_host() for path in plan.each_path())
    routes = plan.write("routes.map", "".join(lines))
    chain, key = plan.certificate
    both = plan.write("both.pem", chain.read_text() + key.read_text())
    path = plan.write("haproxy.cfg", configuration(plan, routes, both))
    return ["sh", "-c", f'exec "$0" -f "$1" >> "{plan.log}"', program, path]


def configuration(plan, routes, certificate):
    """One thread; idle connections to the origin are shared by all clients."""
    ports = plan.ports
    log = ",".join(f'"{name}":"{value}"' for name, value in FIELDS)
    backends = "\n".join(f"backend b{number}\n  server s {address}" for number, address in enumerate(plan.backends))
    return f"""global
  nbthread 1
  maxconn 4096
  log stdout len 4096 format raw daemon
defaults
  mode http
  log global
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout http-keep-alive 1h
  option forwardfor
  http-reuse always
frontend routes
  bind 127.0.0.1:{ports.http}
  bind 127.0.0.1:{ports.h2c} proto h2
  bind 127.0.0.1:{ports.https} ssl crt {certificate} alpn h2,http/1.1
  capture request header Host len 64
  capture request header User-Agent len 64
  log-format '{{{log}}}'
  http-request set-header X-Forwarded-Proto https if {{ ssl_fc }}
  http-request set-header X-Forwarded-Proto http unless {{ ssl_fc }}
  use_backend %[base,map_beg({routes})]
frontend admin
  bind 127.0.0.1:{ports.admin}
  no log
  http-request use-service prometheus-exporter if {{ path /metrics }}
{backends}
"""
