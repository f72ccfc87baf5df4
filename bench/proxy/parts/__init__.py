"""The parts of run.py: the proxies and their configurations, what is measured, how it is told."""
