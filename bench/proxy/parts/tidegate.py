"""The gateway as a contestant."""


def command(plan, program):
    raise NotImplementedError
