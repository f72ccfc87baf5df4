"""The gateway's engine alone, on a snapshot made by hand, with log and metrics: for work on it. No API server."""


def command(plan, program):
    """The command line."""
    ports = plan.ports
    chain, key = plan.certificate
    listen = ["--http", f"{ports.host}:{ports.http}", "--https", f"{ports.host}:{ports.https}", "--certificate", chain, "--key", key]
    return [program, *listen, "--access-log", plan.log, "--hosts", plan.hosts, "--paths", plan.paths, *plan.backends]
