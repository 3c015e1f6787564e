"""Sweeps: grids of runs in YAML files, and what a report makes of their results."""
