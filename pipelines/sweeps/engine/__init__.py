"""What the sweeps of every paper share: reading grids, running them, comparing the runs, writing the report."""
