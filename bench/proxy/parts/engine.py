"""The gateway's engine alone, on a snapshot made by hand: for work on it. No API server, no access log."""

from parts.tidegate import host_flags


def command(plan, program):
    """The command line."""
    return [program, *host_flags(plan), *plan.backends]
