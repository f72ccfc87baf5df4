"""The parts of run.py: the servers, what is measured, how it is told."""
