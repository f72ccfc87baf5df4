"""The parts of run.py: what competes, how processes are watched, what is measured, how it is told."""
