"""nginx as a contestant: one server block for each host, one location for each path."""

FIELDS = (
    ("time", "$time_iso8601"),
    ("client", "$remote_addr"),
    ("method", "$request_method"),
    ("host", "$host"),
    ("path", "$request_uri"),
    ("protocol", "$server_protocol"),
    ("status", "$status"),
    ("bytes_in", "$request_length"),
    ("bytes_out", "$body_bytes_sent"),
    ("duration", "$request_time"),
    ("upstream", "$upstream_addr"),
    ("upstream_duration", "$upstream_response_time"),
    ("user_agent", "$http_user_agent"),
)


def command(plan, program):
    """Writes the configuration; the command line."""
    path = plan.write("nginx.conf", configuration(plan))
    return [program, "-p", plan.folder, "-c", path]


def configuration(plan):
    """The log has a buffer, as its manual recommends for speed; limits of requests on a connection are lifted."""
    chain, key = plan.certificate
    log = ",".join(f'"{name}":"{value}"' for name, value in FIELDS)
    upstreams = "\n".join(
        f"  upstream b{number} {{ server {address}; keepalive 64; keepalive_requests 1000000000; keepalive_timeout 1h; }}"
        for number, address in enumerate(plan.backends)
    )
    servers = "\n".join(server(plan, host, backend) for host, backend in plan.each_host())
    return f"""daemon off;
user root;
pid {plan.folder}/nginx.pid;
worker_processes 1;
error_log stderr warn;
events {{ worker_connections 8192; }}
http {{
  client_body_temp_path {plan.folder}/body;
  proxy_temp_path {plan.folder}/proxy;
  fastcgi_temp_path {plan.folder}/fastcgi;
  uwsgi_temp_path {plan.folder}/uwsgi;
  scgi_temp_path {plan.folder}/scgi;
  log_format bench escape=json '{{{log}}}';
  access_log {plan.log} bench buffer=64k flush=1s;
  server_names_hash_max_size 65536;
  server_names_hash_bucket_size 64;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  ssl_certificate {chain};
  ssl_certificate_key {key};
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_session_cache shared:bench:10m;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_request_buffering off;
  proxy_max_temp_file_size 0;
{upstreams}
  server {{ listen 127.0.0.1:{plan.ports.admin}; access_log off; location = /metrics {{ stub_status; }} }}
{servers}
}}
"""


def server(plan, host, backend):
    """One host."""
    ports = plan.ports
    listen = f"listen 127.0.0.1:{ports.http}; listen 127.0.0.1:{ports.h2c} http2; listen 127.0.0.1:{ports.https} ssl http2;"
    locations = " ".join(f"location {path} {{ proxy_pass http://b{backend}; }}" for path in plan.each_path())
    return f"  server {{ {listen} server_name {host}; {locations} }}"
