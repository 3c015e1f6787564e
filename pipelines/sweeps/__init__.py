"""Sweeps: grids of runs from YAML files. `engine` runs and compares them; each paper has a folder with its grids,
tables, figures and claims."""
